"""Why a card came, and why one did not: a call told again for the person who wrote the rules.

Everything is read from the fold itself, at the end of the call and on the way there; nothing is guessed. Times are
milliseconds on the call's clock.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from rtig.core import derive, engine, frustration, lookup, shape
from rtig.core.call import Call
from rtig.core.conditions import (
    GRACE_MS,
    AllOf,
    AnyOf,
    Condition,
    Heardings,
    Leaf,
    Means,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    PartyWanted,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
    by,
    course,
    parts,
    places,
)
from rtig.core.engine import Folded
from rtig.core.events import AnyEvent, Party
from rtig.core.guidance import ArticleRef, Band, Bend, Card, CardKind, CardState, Quote, Withheld
from rtig.core.playbook import ClauseRef, Playbook
from rtig.core.transcript import Heard, Segment
from rtig.core.triggers import Clause, Moment, Rule, condition_in_words
from rtig.knowledge.hearing import Read, folded
from rtig.knowledge.nearness import Near, near

_NEAR_FROM = 0.34
"""Less than this share of a phrase's words is no near miss."""


class Turn(Struct, frozen=True):
    """A card entered a state."""

    state: CardState
    at_ms: int
    reason: str = ""


class CardStory(Struct, frozen=True, kw_only=True):
    id: str
    rule: str
    kind: CardKind
    title: str
    say: str
    playbook: str
    """Version of the playbook that the rule stands in."""
    article: ArticleRef | None
    condition: str
    words: tuple[Quote, ...]
    bends: tuple[Bend, ...]
    score: float | None
    near: tuple[str, ...]
    beat: tuple[str, ...]
    priority: int
    at_ms: int
    state: CardState
    turns: tuple[Turn, ...]


class WithheldStory(Struct, frozen=True, kw_only=True):
    """A card that was called for and not shown. `until_ms`: when its cooldown ended."""

    rule: str
    reason: str
    by: str
    at_ms: int
    words: tuple[Quote, ...]
    until_ms: int | None
    sentence: str


class Point(Struct, frozen=True):
    """One thing that the call says of a rule."""

    sentence: str
    at_ms: int | None = None
    words: tuple[Quote, ...] = ()


class RuleStory(Struct, frozen=True, kw_only=True):
    rule: str
    title: str
    verdict: str
    points: tuple[Point, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """`mood`: the band that the customer's mood rose to."""

    call_id: str
    playbook: str
    mood: Band
    cards: tuple[CardStory, ...]
    withheld: tuple[WithheldStory, ...]
    rule: RuleStory | None = None


def explain(
    playbook: Playbook,
    events: Iterable[AnyEvent],
    rule: str | None = None,
    *,
    recorded: bool = False,
    read: Read | None = None,
) -> Explanation:
    """The story of a call's cards, and of one rule where its id is given.

    `recorded` events are a log as it was written, ticks and a model's answers included; others are given the ticks that
    a clock would have given, and the answers of `read` where there is a model.
    Raises `KeyError` for a rule that the playbook does not have.
    """
    told = playbook.rules[rule] if rule is not None else None
    call_id, folds = folded(playbook, events, recorded=recorded, read=read)
    watch = _Watch(playbook, told)
    for fold in folds:
        watch.see(fold)
    call = watch.call if watch.call is not None else engine.begin(call_id)
    withheld = tuple(_withheld(playbook, call, item) for item in watch.withheld.values())
    return Explanation(
        call_id=call_id,
        playbook=playbook.version,
        mood=_highest(call),
        cards=tuple(
            _card_story(card, turns) for card, turns in sorted(watch.cards.values(), key=lambda one: one[0].at_ms)
        ),
        withheld=withheld,
        rule=_rule_story(playbook, call, told, watch) if told is not None else None,
    )


def clock(ms: int) -> str:
    """A time on the call's clock as people write it: `1:02.4`."""
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest // 1000:02}.{rest % 1000 // 100}"


def bent(bends: Iterable[Bend]) -> str:
    """How words were made out through recognition errors."""
    return ", ".join(f'"{bend.heard}" for "{bend.meant}"' for bend in bends)


def quoted(quotes: Iterable[Quote]) -> str:
    return '"' + " … ".join(quote.text for quote in quotes) + '"'


def listens_at(condition: Said, at_ms: int) -> bool:
    """Whether a condition listens at a time of the call."""
    first, past = condition.first_ms, condition.past_ms
    return (first is None or at_ms <= first) and (past is None or at_ms > past)


def window(condition: Said) -> str:
    """The part of the call in which a condition listens."""
    first, past = condition.first_ms, condition.past_ms
    if first is not None and past is not None:
        return f"from {_seconds(past)} to {_seconds(first)} after the start"
    if first is not None:
        return f"in the first {_seconds(first)}"
    return f"after the first {_seconds(past)}" if past is not None else "at any time"


class _Watch:
    """What is only to be seen on the way: the states of cards, and interim words that did not stay."""

    def __init__(self, playbook: Playbook, rule: Rule | None) -> None:
        self.call: Call | None = None
        self.cards: dict[str, tuple[Card, list[Turn]]] = {}
        self.withheld: dict[tuple[str, int], Withheld] = {}
        self.passing: dict[tuple[int, str], Heard] = {}
        said = [part for clause in rule.clauses for part in _said(clause)] if rule is not None else []
        self._wanted = {playbook.number(phrase, part.tolerance) for part in said for phrase in part.phrases}

    def see(self, folded: Folded) -> None:
        self.call = folded.call
        for item in folded.guidance:
            if isinstance(item, Card):
                turns = self.cards[item.id][1] if item.id in self.cards else []
                turns.append(Turn(item.state, folded.call.now, item.reason))
                self.cards[item.id] = (item, turns)
            elif isinstance(item, Withheld):
                self.withheld[item.rule, item.at_ms] = item
        if self._wanted:
            for segment in folded.call.transcript.open.values():
                for place in segment.heard:
                    if place.phrase in self._wanted:
                        self.passing.setdefault((place.phrase, segment.id), place)


def _said(clause: Clause) -> list[Said | NotSaid | SaidAgain]:
    return [part for part in parts(clause.condition) if isinstance(part, Said | NotSaid | SaidAgain)]


def _card_story(card: Card, turns: list[Turn]) -> CardStory:
    return CardStory(
        id=card.id,
        rule=card.why.rule,
        kind=card.kind,
        title=card.title,
        say=card.say,
        playbook=card.why.playbook,
        article=card.article,
        condition=card.why.condition,
        words=card.why.words,
        bends=card.why.bends,
        score=card.why.score,
        near=card.why.near,
        beat=card.why.beat,
        priority=card.priority,
        at_ms=card.at_ms,
        state=card.state,
        turns=tuple(turns),
    )


def _withheld(playbook: Playbook, call: Call, item: Withheld) -> WithheldStory:
    rule = playbook.rules.get(item.rule)
    until = None
    by = call.told.cards.get(item.by)
    if item.reason == "cooldown" and by is not None and rule is not None:
        until = by.at_ms + rule.cooldown_ms
    return WithheldStory(
        rule=item.rule,
        reason=item.reason,
        by=item.by,
        at_ms=item.at_ms,
        words=item.words,
        until_ms=until,
        sentence=_withheld_because(item, until, rule),
    )


def _withheld_because(item: Withheld, until_ms: int | None, rule: Rule | None) -> str:
    match item.reason:
        case "cooldown":
            if until_ms is None:
                return "the same card was waiting for its turn already"
            return f"in its cooldown until {clock(until_ms)}, since card {item.by}"
        case "once":
            return f"it comes once per call, and {item.by} had come"
        case "budget":
            return (
                f"other cards had the agent's attention for too long, last {item.by}"
                if item.by
                else "no turn was left for it"
            )
        case "excluded":
            return f"the words `{item.by}` were near, which exclude it"
        case "done":
            return "the agent did it unprompted"
        case "muted":
            return "the agent had dismissed it as wrong or known"
        case "draft":
            return "it is a draft, and drafts are never shown"
        case "queue":
            queues = ", ".join(rule.queues) if rule is not None else ""
            return f"it is for other queues only ({queues})"
        case "team":
            teams = ", ".join(rule.teams) if rule is not None else ""
            return f"it is for other teams only ({teams})"
        case "channel":
            return "it is not for calls on this channel"
        case "late":
            return "it would have come too late"
        case "beaten":
            return f"the same words called for {item.by} more surely"


# --- one rule


def _rule_story(playbook: Playbook, call: Call, rule: Rule, watch: _Watch) -> RuleStory:
    points: list[Point] = []
    if rule.draft:
        points.append(Point("The rule is a draft: it is compiled and never shown."))
    if rule.queues and call.queue not in rule.queues:
        there = f"this call is in {call.queue}" if call.queue else "this call is in none"
        points.append(Point(f"The rule is for the queues {', '.join(rule.queues)}; {there}."))
    if rule.teams and call.team not in rule.teams:
        there = f"this call is in {call.team}" if call.team else "this call is in none"
        points.append(Point(f"The rule is for the teams {', '.join(rule.teams)}; {there}."))
    if rule.channels and call.channel not in rule.channels:
        points.append(Point(f"The rule is for {' and '.join(rule.channels)} only; this call is {call.channel}."))
    for index, clause in enumerate(rule.clauses):
        points.extend(_clause_points(playbook, call, ClauseRef(rule.id, index), clause, watch))
    if not rule.clauses:
        points.append(Point("The rule has no trigger, so nothing can bring it."))
    phrases = {
        (phrase, part.tolerance): clause
        for clause in rule.clauses
        for part, negated in polar(clause.condition)
        if isinstance(part, Said | NotSaid | SaidAgain) and not negated
        for phrase in part.phrases
    }
    if phrases and not any(lookup.heard_places(playbook, call.heard, *spoken) for spoken in phrases):
        points.append(_closest(call, {phrase: clause for (phrase, _), clause in phrases.items()}))
    return RuleStory(
        rule=rule.id, title=rule.title, verdict=_verdict(playbook, call, rule, watch, points), points=tuple(points)
    )


def _verdict(playbook: Playbook, call: Call, rule: Rule, watch: _Watch, points: list[Point]) -> str:
    alert = call.told.alerts.get(rule.id)
    if alert is not None:
        resolved = f", and resolved at {clock(alert.at_ms)}: {alert.reason}" if alert.state == "resolved" else ""
        return f"It alerted the supervisors at {clock(alert.raised_ms)}{resolved}."
    cards = [card for card, _ in watch.cards.values() if card.why.rule == rule.id]
    shown = [card for card in cards if card.state == "confirmed"]
    if shown:
        times = ", ".join(clock(card.shown_ms) for card in shown)
        return f"It came at {times}."
    taken = [card for card in cards if card.state == "retracted"]
    if taken:
        return f"It was shown at {clock(taken[-1].shown_ms)} and taken back: {taken[-1].reason}."
    refused = [item for (name, _), item in watch.withheld.items() if name == rule.id]
    if refused:
        story = _withheld(playbook, call, refused[-1])
        return f"It was called for at {clock(story.at_ms)} and withheld: {story.sentence}."
    return points[-1].sentence if points else "Nothing in this call came near to it."


def _clause_points(playbook: Playbook, call: Call, ref: ClauseRef, clause: Clause, watch: _Watch) -> Iterator[Point]:
    moments = call.moments.get(ref, ())
    yield from _outcomes(call, moments, watch)
    heard = lookup.heardings(playbook, call)
    for part, negated in polar(clause.condition):
        if isinstance(part, Said):
            if not negated:
                yield from _said_points(playbook, call, part, clause.condition, moments, watch)
        elif isinstance(part, NotSaid):
            yield from _not_said_points(playbook, call, part, moments)
        elif not moments and not negated:
            found = course(part, heard)
            past = [met for met in found.met if met.at_ms <= call.now]  # what follows is still to come
            for met in past[-1:]:
                what = f"At {clock(met.at_ms)}: {condition_in_words(part)}"
                because = in_the_way(clause.condition, met.at_ms, heard)
                yield Point(f"{what}; {because}." if because else f"{what}.", met.at_ms, met.quotes)
            if not any(span.start_ms <= call.now for span in found.holds):
                yield _state_point(playbook, call, part, heard)


def polar(condition: Condition, negated: bool = False) -> Iterator[tuple[Leaf, bool]]:
    """The simple conditions in a combined one, and whether it waits for their not being so."""
    match condition:
        case AllOf() | AnyOf():
            for part in condition.parts:
                yield from polar(part, negated)
        case Not():
            yield from polar(condition.part, not negated)
        case _:
            yield condition, negated


def in_the_way(condition: Condition, at_ms: int, heard: Heardings) -> str:
    """Why a combined condition did not hold at a time at which one of its parts was met; empty where it did."""
    lacking = list(_lacking(condition, at_ms, heard))
    return f"what did not hold then: {' and '.join(lacking)}" if lacking else ""


def _lacking(condition: Condition, at_ms: int, heard: Heardings) -> Iterator[str]:
    if course(condition, heard).at(at_ms):
        return
    match condition:
        case AllOf():
            for part in condition.parts:
                yield from _lacking(part, at_ms, heard)
        case Not():
            before = [met for met in course(condition.part, heard).met if met.at_ms <= at_ms]
            since = "".join(
                f", which was so at {clock(met.at_ms)}" + (f": {quoted(met.quotes)}" if met.quotes else "")
                for met in before[-1:]
            )
            yield f"{condition_in_words(condition)}{since}"
        case _:
            yield condition_in_words(condition)


def _state_point(playbook: Playbook, call: Call, condition: Leaf, heard: Heardings) -> Point:
    """Why a condition on the state of the call was not met."""
    match condition:
        case MoodAt() | ScoreAt():
            top = max(call.weighing.states, key=lambda state: state.score)
            band = _highest(call)
            wanted = condition.band if isinstance(condition, MoodAt) else f"{condition.level:g}"
            lasted = f" for {_seconds(condition.for_ms)}" if condition.for_ms else ""
            return Point(
                f"The mood went no higher than {band} ({top.score:.2f}); the rule waits for {wanted}{lasted}.",
                top.at_ms,
            )
        case Silence():
            if call.channel == "chat":
                return Point("Silence is not looked at in a chat.")
            gaps = [*call.shape.gaps, *shape.quiet(call.shape, call.transcript, call.now)]
            gap = max(gaps, key=lambda g: g.end_ms - g.start_ms, default=shape.Span(0, 0))
            lasted_ms = gap.end_ms - gap.start_ms
            longest = (
                f"the longest lasted {_seconds(lasted_ms)}" if lasted_ms >= shape.GAP_MS else "there was none of 5 s"
            )
            on_hold = ", with the customer on hold" if lasted_ms >= condition.ms else ""
            return Point(f"The rule waits for a silence of {_seconds(condition.ms)}; {longest}{on_hold}.", gap.start_ms)
        case TalkOver() | Monologue() | TalkShare() if call.channel == "chat":
            return Point(f"Who speaks when is not looked at in a chat: {condition_in_words(condition)}.")
        case TalkOver():
            times = call.shape.talk_over
            return Point(
                f"The agent spoke over the customer {len(times)} times in the call; the rule waits for "
                f"{condition.times} within {_seconds(condition.within_ms)}.",
                times[-1] if times else None,
            )
        case Monologue():
            own = [f for f in call.shape.floors if f.party == condition.party]
            floor = max(own, key=lambda f: f.end_ms - f.start_ms, default=None)
            longest = (
                f"spoke for {_seconds(floor.end_ms - floor.start_ms)} without a break"
                if floor
                else "never spoke for 10 s without a break"
            )
            return Point(
                f"The {condition.party} {longest}; the rule waits for {_seconds(condition.ms)}.",
                floor.start_ms if floor else None,
            )
        case OnHold():
            holds = [span for span in heard.holds if span.start_ms <= call.now]
            longest_ms = max((min(s.end_ms, call.now) - s.start_ms for s in holds), default=0)
            told = f"the longest hold lasted {_seconds(longest_ms)}" if holds else "the customer was never on hold"
            return Point(f"The rule waits for a hold of {_seconds(condition.ms)}; {told}.")
        case TalkShare():
            shares = [share for _, share in shape.talk_shares(call.shape, condition.over_ms)]
            told = f"it was {max(shares):.0%} at most" if shares else "no turn ended that late in the call"
            return Point(
                f"The rule waits for the agent's share of the last {_seconds(condition.over_ms)} to be "
                f"{condition.share:.0%}; {told}."
            )
        case SlotIs():
            taken = heard.captured(condition.slot)
            held = f"it held {taken[-1][1].value} from {clock(taken[-1][0])} on" if taken else "it was never captured"
            return Point(f"The rule waits until {condition_in_words(condition)}; {held}.")
        case SaidAgain():
            said = [
                place
                for _, place in places(condition.phrases, condition.tolerance, heard)
                if by(place.party, condition.party)
            ]
            told = f"said last at {clock(said[-1].end_ms)}: {quoted(said[-1].quotes)}" if said else "never said"
            return Point(
                f"The rule waits for the same words again within {_seconds(condition.within_ms)}, the other party "
                f"heard in between; any of its phrases was {told}.",
                said[-1].end_ms if said else None,
                said[-1].quotes if said else (),
            )
        case Means():
            return _meaning_point(playbook, call, condition)
        case Said() | NotSaid():  # told where they are heard
            return Point(f"{condition_in_words(condition)}.")


def _highest(call: Call) -> Band:
    return max((state.band for state in call.weighing.states), key=frustration.BANDS.index)


def _meaning_point(playbook: Playbook, call: Call, condition: Means) -> Point:
    """The utterance that a model found nearest to a meaning, and what it was nearer to."""
    own = playbook.meanings[condition.meaning]
    readings = [
        (call.readings[one.key], one)
        for said in call.utterances.values()
        for one in said
        if one.key in call.readings and by(one.party, condition.party)
    ]
    if not readings:
        return Point("No model has read this call, so nothing was understood but words.")
    scores, one = max(readings, key=lambda found: found[0].get(own.id, 0.0))
    score = scores.get(own.id, 0.0)
    if not score:
        return Point("A model read the call, and nothing in it came near to this meaning.")
    likelier = [
        f"{playbook.meanings[name].rule} ({other:.2f})"
        for name, other in sorted(scores.items(), key=lambda entry: -entry[1])
        if other > score and name in playbook.meanings and own.competes and playbook.meanings[name].competes
    ]
    rival = f"; {likelier[0]} was likelier" if likelier else ""
    return Point(
        f"The nearest that was meant: {quoted(one.quotes)} at {clock(one.end_ms)}, {score:.2f} of the "
        f"{derive.MEANT_FROM:.2f} it takes{rival}.",
        one.end_ms,
        one.quotes,
    )


def _said_points(
    playbook: Playbook, call: Call, condition: Said, whole: Condition, moments: tuple[Moment, ...], watch: _Watch
) -> Iterator[Point]:
    met = {moment.at_ms for moment in moments}
    heard = lookup.heardings(playbook, call)
    for phrase in condition.phrases:
        places = lookup.heard_places(playbook, call.heard, phrase, condition.tolerance)
        for place in places:
            what = f"`{phrase}` was heard at {clock(place.end_ms)}: {quoted(place.quotes)}"
            if place.bends:
                what += f", heard {bent(place.bends)}"
            if not by(place.party, condition.party):
                because = f", by {_who(place.party)}; the rule listens to {_who(condition.party)}"
            elif not listens_at(condition, place.end_ms):
                because = f"; the rule listens only {window(condition)}"
            elif place.end_ms in met:
                continue
            else:
                because = in_the_way(whole, place.end_ms, heard)
                because = f"; {because}" if because else ""
            if because:
                yield Point(f"{what}{because}.", place.end_ms, place.quotes)
        number = playbook.number(phrase, condition.tolerance)
        for place in call.heard.get(number, ()):
            if place not in places:
                yield Point(
                    f"`{phrase}` was heard at {clock(place.end_ms)}, followed by what must not follow it: "
                    f"{quoted(place.quotes)}.",
                    place.end_ms,
                    place.quotes,
                )
        settled = {quote.segment_id for place in places for quote in place.quotes}
        for (other, segment_id), place in watch.passing.items():
            if other == number and segment_id not in settled:
                yield Point(
                    f"`{phrase}` was heard at {clock(place.end_ms)} in interim words that did not stay: "
                    f"{quoted(place.quotes)}.",
                    place.end_ms,
                    place.quotes,
                )


def _not_said_points(
    playbook: Playbook, call: Call, condition: NotSaid, moments: tuple[Moment, ...]
) -> Iterator[Point]:
    in_time = False
    for phrase in condition.phrases:
        for place in lookup.heard_places(playbook, call.heard, phrase, condition.tolerance):
            what = f"`{phrase}` was said at {clock(place.end_ms)}: {quoted(place.quotes)}"
            if condition.party not in ("any", place.party):
                yield Point(f"{what}, but by {_who(place.party)}.", place.end_ms, place.quotes)
            elif place.end_ms > condition.within_ms:
                yield Point(f"{what}, after the {_seconds(condition.within_ms)} were over.", place.end_ms, place.quotes)
            else:
                in_time = True
                yield Point(f"{what}, in time, so nothing was called for.", place.end_ms, place.quotes)
    if not moments and not in_time and call.now < condition.within_ms + GRACE_MS:
        yield Point(
            f"The call came to its end at {clock(call.now)}, before the {_seconds(condition.within_ms)} were over.",
            call.now,
        )


def _outcomes(call: Call, moments: tuple[Moment, ...], watch: _Watch) -> Iterator[Point]:
    """What became of each time that the condition was met."""
    choice = call.told.choice
    for moment in moments:
        card = next((i for i, shown in choice.shown.items() if shown.moment.order == moment.order), None)
        words = f" by {quoted(moment.quotes)}" if moment.quotes else ""
        made_out = f", heard {bent(moment.bends)}" if moment.bends else ""
        sure = f", {moment.meant.score:.2f} of the {derive.MEANT_FROM:.2f} it takes" if moment.meant is not None else ""
        what = f"The condition was met at {clock(moment.at_ms)}{words}{made_out}{sure}"
        refused = choice.withheld.get(moment.order)
        if moment.rule.to == "supervisors":
            barred = f", and no alert came: {_barred(moment)}" if moment.blocked else ""
            yield Point(f"{what}{barred}.", moment.at_ms, moment.quotes)
        elif card is not None and card not in call.missed:
            yield Point(f"{what} and brought card {card}.", moment.at_ms, moment.quotes)
        elif card is not None:
            yield Point(f"{what}, and card {card} was dropped: {call.missed[card]}.", moment.at_ms, moment.quotes)
        elif refused is not None:
            item = watch.withheld.get((moment.rule.id, moment.at_ms))
            rule = moment.rule
            until = None
            last = call.told.cards.get(refused.by)
            if refused.reason == "cooldown" and last is not None:
                until = last.at_ms + rule.cooldown_ms
            if item is None:
                item = Withheld(
                    call_id=call.call_id, rule=rule.id, reason=refused.reason, by=refused.by, at_ms=moment.at_ms
                )
            yield Point(f"{what}, withheld: {_withheld_because(item, until, rule)}.", moment.at_ms, moment.quotes)
        else:
            yield Point(f"{what}, the same remark as the one before.", moment.at_ms, moment.quotes)


def _barred(moment: Moment) -> str:
    """Why no alert came of a moment."""
    if moment.blocked == "":
        return ""
    item = Withheld(call_id="", rule=moment.rule.id, reason=moment.blocked, by=moment.by, at_ms=moment.at_ms)
    return _withheld_because(item, None, moment.rule)


def _closest(call: Call, phrases: dict[str, Clause]) -> Point:
    """Where the final words came nearest to any of the phrases, by the party that the rule listens to first."""
    best: tuple[tuple[float, bool], Near, str, tuple[Quote, ...], int, Party] | None = None
    for party, stream in sorted(call.transcript.streams.items()):
        norms: list[str] = []
        where: list[tuple[Segment, int]] = []
        for segment in stream:
            norms.extend(segment.words.norms)
            where.extend((segment, token) for token in segment.words.at)
        for phrase, clause in phrases.items():
            found = near(phrase, norms)
            if found is None or found.share < _NEAR_FROM:
                continue
            rank = (found.share, _listens(clause, party))
            if best is None or rank > best[0]:
                quotes = _span(where, found.first, found.last)
                segment, token = where[found.last]
                best = (rank, found, phrase, quotes, segment.time_of(token + 1), segment.party)
    if best is None:
        return Point("None of its phrases was heard, and nothing in the call came near to one.")
    _, found, phrase, quotes, at_ms, by = best
    lacks = (
        "its words were there, in another order or too far apart"
        if not found.missing
        else "it lacked " + ", ".join(f"`{slot}`" for slot in found.missing)
    )
    return Point(
        f"The closest the call came: `{phrase}` at {clock(at_ms)}, {quoted(quotes)} by {_who(by)}; {lacks}.",
        at_ms,
        quotes,
    )


def _listens(clause: Clause, party: str) -> bool:
    return any(part.party in ("any", party) for part in _said(clause))


def _span(where: list[tuple[Segment, int]], first: int, last: int) -> tuple[Quote, ...]:
    quotes: list[Quote] = []
    for segment, token in where[first : last + 1]:
        start, end = segment.words.spans[token]
        if quotes and quotes[-1].segment_id == segment.id:
            start = quotes.pop().start
        quotes.append(Quote(segment.id, segment.party, start, end, segment.text[start:end]))
    return tuple(quotes)


def _who(party: PartyWanted | Party) -> str:
    return {"any": "anyone", "unknown": "somebody unknown", "system": "the system"}.get(party, f"the {party}")


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g} s"
