"""The brief: what the next person has to know of a call, on one screen, in the words that were said.

It is read off the state of the fold when somebody asks, and not kept. Nothing is made up: lines are chosen from the
transcript and trimmed. What chooses them can be told: the cues in a remark (see `rtig.core.cues`), whether it called
for an article, how rare its words are, and where in the call it stands. Remarks are cut from turns, which depend on the
words and their times alone, so a call gives the same lines however it was cut on its way.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from rtig.core import frustration, lookup
from rtig.core.call import Call
from rtig.core.cues import Cue, Cues, cues_of
from rtig.core.events import Party
from rtig.core.frustration import BANDS
from rtig.core.guidance import Band, Brief, BriefArticle, BriefLine, BriefMood, Quote
from rtig.core.language import Language
from rtig.core.playbook import Playbook
from rtig.core.redaction import MASKS
from rtig.core.shape import turns
from rtig.core.slots import CURRENCIES
from rtig.core.transcript import Segment, Stream

LINES = 18
"""Lines on one screen, the head not counted."""
LONGEST = 160
"""Characters of a line."""
MORE = " …"
MOST = {"who": 4, "asked": 4, "tried": 5, "promised": 4, "mood": 3, "open": 2}
MOST_ARTICLES = 3
TELLING = 7.0
"""Nats: a word as rare as this says something ("account" has 5.5, "internet" 7.5, "router" 15)."""
SUBSTANCE = 2
"""So many telling words make a remark one that says something."""
WORTH_ASKING = 2.75
WORTH_TRYING = 2.5
WORTH_PROMISING = 4.0
FIRST = 100.0
"""What it weighs that a remark is the first of substance: it is always there."""
CALLED = 2.0
"""What it weighs that a remark called for an article."""
DETAIL, DETAIL_WORDS = 1.2, 8
"""A remark of the customer with such rare words, and so many, is worth telling where there is room for it."""
ALIKE = 0.6
ALIKE_AT_LEAST = 4
"""Of two remarks that share so much of their telling words, one is enough."""
STEPS_NAMED = 3
FEW = 4
"""A sentence of so few words is told with the next one."""
ANSWERS_WITHIN = 3
"""Remarks of the customer in which the answer to a question for a number may come."""
_OFF_TOPIC = frozenset({"excluded", "draft", "queue", "team", "channel", "done", "beaten"})
"""Reasons why an article was withheld that say nothing about what the customer wanted."""
_MASKS = frozenset(MASKS.values())
_ENDS = ".?!"
_DONE_WITH = ("opened", "copied", "pinned", "useful", "dismissed")


class _Word(NamedTuple):
    """A word as it is compared, and the token that it came from."""

    segment: Segment
    token: int
    norm: str


class _Remark:
    """What a party said in one sentence, or in one go; a long go is cut where a new clause begins."""

    def __init__(self, party: Party, said: Sequence[_Word], goes_on: bool, cues: Cues, language: Language) -> None:
        whole = " ".join(word.norm for word in said)
        lead = cues.lead_in.match(whole)
        tail = cues.lead_out.search(whole) if party == "agent" else None
        first = 0 if lead is None else len(lead.group().split())
        self.party = party
        self.words = said[first : len(said) if tail is None else max(first, len(whole[: tail.start()].split()))]
        self.goes_on = goes_on
        self.text = " ".join(word.norm for word in self.words)
        self.at_ms = _time(said[0])
        self.ends_asking = _mark(said[-1]) == "?"
        self.asks = self.ends_asking or cues.question.match(self.text) is not None
        self.courtesy = not self.words or cues.courtesy.fullmatch(self.text) is not None
        rarity = {word.norm: language.rarity(word.norm) for word in self.words}
        self.telling = frozenset(language.stem(norm) for norm, nats in rarity.items() if nats >= TELLING)
        self.rarity = min(2.0, sum(min(1.0, (nats - TELLING) / 6) for nats in rarity.values() if nats > TELLING) / 2)
        """How much its words say, 0 to 2."""

    @property
    def says_something(self) -> bool:
        return not self.courtesy and len(self.telling) >= SUBSTANCE

    def weight(self, cues: Iterable[Cue]) -> float:
        return sum(cue.weight for cue in cues if cue.pattern.search(self.text))

    def like(self, other: "_Remark") -> bool:
        shared = len(self.telling & other.telling)
        alike = shared >= ALIKE_AT_LEAST and shared >= ALIKE * min(len(self.telling), len(other.telling))
        return alike or (shared > 0 and self.telling == other.telling)

    def part(self, start: int, end: int) -> Sequence[_Word]:
        """The words that some characters of `text` belong to."""
        return self.words[bisect_right(self._starts, start) - 1 : bisect_right(self._starts, end - 1)]

    def line(self, what: str = "", when: str = "") -> BriefLine:
        return _line(self.words, what, when, goes_on=self.goes_on)

    @cached_property
    def _starts(self) -> list[int]:
        starts, at = [], 0
        for word in self.words:
            starts.append(at)
            at += len(word.norm) + 1
        return starts


class _Chosen(NamedTuple):
    """A line, and what it weighs against others."""

    weight: float
    line: BriefLine
    remark: _Remark | None = None

    def says_the_same(self, other: "_Chosen") -> bool:
        return self.remark is not None and other.remark is not None and self.remark.like(other.remark)


def brief(playbook: Playbook, call: Call) -> Brief:
    """The brief of a call as far as it has come; of a call in which nothing was said it is empty."""
    cues, language = cues_of(playbook.language.code), playbook.language
    remarks = _remarks(call, cues, language)
    articles = _articles(call)
    left = _Left(remarks)
    chosen = {
        "who": _who(playbook, call, cues, remarks),
        "mood": _turns_of_mood(playbook, call),
        "open": left.best(_open(cues, remarks), MOST["open"]),
        "asked": left.best(_asked(cues, remarks, _called_for(call)), MOST["asked"]),
        "promised": left.best(_promised(cues, remarks), MOST["promised"]),
    }
    asked = [one.remark for one in chosen["asked"]]
    tried = left.best((*_tried(cues, remarks), *_answered(cues, remarks, asked)), MOST["tried"])
    chosen["tried"] = [*_ticked(playbook, call), *tried]
    kept = _on_one_screen(chosen, LINES - len(articles))
    return Brief(
        call_id=call.call_id,
        state="ended" if call.ended else "live",
        reason=call.ending,
        channel=call.channel,
        agent=call.agent,
        queue=call.queue,
        customer=call.customer,
        started_at=call.started_at,
        at_ms=call.now,
        playbook=playbook.version,
        mood=_mood(playbook, call, kept["mood"]),
        who=kept["who"],
        asked=kept["asked"],
        tried=kept["tried"],
        promised=kept["promised"],
        articles=articles,
        open=kept["open"],
        handover=call.handovers[-1] if call.handovers else None,
    )


# --- remarks


def _remarks(call: Call, cues: Cues, language: Language) -> list[_Remark]:
    """Everything that both parties said, in order of time."""
    found = [
        _Remark(party, said, goes_on, cues, language)
        for party in ("customer", "agent")
        for turn in turns(call.transcript.stream(party))
        for sentence in _sentences(turn, cues, by_segment=call.channel == "chat")
        for said, goes_on in _pieces(sentence, cues)
    ]
    return sorted(found, key=lambda remark: remark.at_ms)


def _sentences(turn: Stream, cues: Cues, *, by_segment: bool) -> Iterator[list[_Word]]:
    """A turn up to each mark that ends a sentence, few words together with what follows; of a chat, message by message.

    A message ends where its segment does.
    """
    said: list[_Word] = []
    for segment in turn:
        for word in _words(segment):
            if said and said[-1].segment is segment and said[-1].token != word.token and _end(said, cues):
                yield said
                said = []
            said.append(word)
        if said and (by_segment or _end(said, cues)):
            yield said
            said = []
    if said:
        yield said


def _words(segment: Segment) -> Iterator[_Word]:
    """The words of a segment without fillers and noises; what was masked counts as one."""
    words = segment.words
    norms: dict[int, tuple[str, ...]] = dict.fromkeys(range(words.size), ())
    for token, norm in zip(words.at, words.norms, strict=True):
        norms[token] = (*norms[token], norm)
    for token, (start, end) in enumerate(words.spans):
        mark = segment.text[start:end]
        for norm in norms[token] or ((mark.replace(" ", "_"),) if mark in _MASKS else ()):
            yield _Word(segment, token, norm)


def _end(said: Sequence[_Word], cues: Cues) -> bool:
    """Whether some words are a sentence."""
    mark = _mark(said[-1])
    return mark == "?" or (mark != "" and len(said) > FEW and said[-1].norm not in cues.titles)


def _mark(word: _Word) -> str:
    """The mark that ends a sentence behind a word."""
    spans, text = word.segment.words.spans, word.segment.text
    after = spans[word.token + 1][0] if word.token + 1 < len(spans) else len(text)
    return next((mark for mark in text[spans[word.token][1] : after] if mark in _ENDS), "")


def _pieces(sentence: list[_Word], cues: Cues) -> Iterator[tuple[list[_Word], bool]]:
    """A sentence that is too long for a line, cut before clauses; and whether it goes on."""
    if _length(sentence) <= LONGEST:
        yield sentence, False
        return
    text = " ".join(word.norm for word in sentence)
    begins = [text.count(" ", 0, found.start()) for found in cues.clause.finditer(text)]
    first = last = 0
    for begin in (*begins, len(sentence)):
        if last > first and _length(sentence[first:begin]) > LONGEST - len(MORE):
            yield sentence[first:last], True
            first = last
        last = begin
    yield sentence[first:], False


def _length(words: Sequence[_Word]) -> int:
    return sum(len(quote.text) + 1 for quote in _quotes(words)) - 1


def _time(word: _Word) -> int:
    return word.segment.time_of(word.token)


def _quotes(words: Sequence[_Word]) -> tuple[Quote, ...]:
    """Where some words stand, with the mark behind them and the currency before them."""
    quotes = []
    for same in _unbroken(words):
        segment = same[0].segment
        text, spans = segment.text, segment.words.spans
        start, end = spans[same[0].token][0], spans[same[-1].token][1]
        start -= text[start - 1 : start] in CURRENCIES and start > 0
        while text[end : end + 1] and text[end] in _ENDS:
            end += 1
        quotes.append(Quote(segment.id, segment.party, start, end, text[start:end]))
    return tuple(quotes)


def _unbroken(words: Sequence[_Word]) -> Iterator[list[_Word]]:
    """Runs of words that stand side by side in one segment."""
    run: list[_Word] = []
    for word in words:
        if run and not (run[-1].segment is word.segment and word.token - run[-1].token <= 1):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _line(words: Sequence[_Word], what: str = "", when: str = "", *, goes_on: bool = False) -> BriefLine:
    """A line of some words, as many as there is room for."""
    most = min(len(words), LONGEST)
    goes_on = goes_on or most < len(words)
    room = LONGEST - len(MORE) * goes_on
    quotes = _quotes(words[:most])
    while len(_said(quotes)) > room and most > 1:
        most, room, goes_on = most - 1, LONGEST - len(MORE), True
        quotes = _quotes(words[:most])
    if len(_said(quotes)) > room:  # in a language without spaces, one word may be a speech
        quote, goes_on = quotes[0], True
        end = quote.start + LONGEST - len(MORE)
        quotes = (Quote(quote.segment_id, quote.party, quote.start, end, quote.text[: end - quote.start]),)
    text = _said(quotes) + MORE * goes_on
    return BriefLine(text=text, at_ms=_time(words[0]), words=quotes, what=what, when=when)


def _said(quotes: Iterable[Quote]) -> str:
    """The words of quotes as one line."""
    return " ".join(word for quote in quotes for word in quote.text.split())


# --- what is chosen


def _called_for(call: Call) -> dict[str, list[Quote]]:
    """The words that called for an article, whether or not it could be shown, by segment."""
    choice = call.told.choice
    moments = [shown.moment for shown in choice.shown.values()]
    moments += [refused.moment for refused in choice.withheld.values() if refused.reason not in _OFF_TOPIC]
    found: dict[str, list[Quote]] = {}
    for quote in (quote for moment in moments if moment.rule.kind == "article" for quote in moment.quotes):
        found.setdefault(quote.segment_id, []).append(quote)
    return found


def _asked(cues: Cues, remarks: Sequence[_Remark], called: Mapping[str, Sequence[Quote]]) -> Iterator[_Chosen]:
    """What the customer wanted: the first thing of substance always, then what asks, complains or called for help."""
    said = [one for one in remarks if one.party == "customer" and not one.courtesy]
    first = next((one for one in said if _opens(cues, one)), None)
    identities = _identities(cues, remarks)
    for number, remark in enumerate(said):
        calls = any(_within(word, quote) for word in remark.words for quote in called.get(word.segment.id, ()))
        weight = remark.weight(cues.asks) + CALLED * calls + remark.asks + remark.rarity / 2
        worth = weight >= WORTH_ASKING and remark.telling and not cues.aside.search(remark.text)
        detail = remark.rarity >= DETAIL and len(remark.words) >= DETAIL_WORDS and remark not in identities
        tried = cues.outcome.search(remark.text) or remark.weight(cues.customer_did)
        if remark is first or worth or (detail and not tried):
            yield _Chosen(weight + 1.5 / (1 + number) + (FIRST if remark is first else 0), remark.line(), remark)


def _identities(cues: Cues, remarks: Sequence[_Remark]) -> set[_Remark]:
    """What the customer said right after being asked who is calling."""
    asked = False
    found: set[_Remark] = set()
    for remark in remarks:
        if remark.party == "agent":
            asked = bool(cues.asks_identity.search(remark.text)) or (asked and remark.courtesy)
        elif asked:
            found.add(remark)
    return found


def _opens(cues: Cues, remark: _Remark) -> bool:
    """Whether a remark may be what the call is about."""
    if cues.introduction.fullmatch(remark.text):
        return False
    return remark.says_something or remark.weight(cues.asks) >= WORTH_ASKING


def _within(word: _Word, quote: Quote) -> bool:
    start, end = word.segment.words.spans[word.token]
    return start < quote.end and quote.start < end


def _promised(cues: Cues, remarks: Sequence[_Remark]) -> Iterator[_Chosen]:
    """What the agent said will be done or come, where it reaches beyond the call."""
    for remark in remarks:
        weight = remark.weight(cues.promises) if remark.party == "agent" and not remark.ends_asking else 0
        if weight:
            when = cues.when.search(remark.text)
            weight += 2 * bool(cues.outward.search(remark.text)) + 2 * (when is not None)
            weight -= 3 * bool(cues.meanwhile.search(remark.text)) + 3 * bool(cues.condition.match(remark.text))
            if weight >= WORTH_PROMISING:
                by = "" if when is None else _line(remark.part(*when.span())).text.rstrip(_ENDS)
                yield _Chosen(weight + remark.rarity, remark.line(when=by), remark)


def _tried(cues: Cues, remarks: Sequence[_Remark]) -> Iterator[_Chosen]:
    """What was done, found, offered or refused; of the customer also how it went, right after."""
    acted = False
    for remark in remarks:
        if remark.courtesy:
            continue
        if remark.party == "agent":
            suggests = 3 * bool(cues.suggests.search(remark.text))
            weight = max(suggests, 0 if remark.asks else remark.weight(cues.did))
            weight -= 3 * bool(cues.undertakes.search(remark.text))
            acted = weight > 0 or (acted and not remark.says_something)
        else:
            weight = remark.weight(cues.customer_did) + 3 * (acted and bool(cues.outcome.search(remark.text)))
            acted = False
        if weight > 0 and weight + remark.rarity >= WORTH_TRYING:
            yield _Chosen(weight + remark.rarity, remark.line(), remark)


def _answered(cues: Cues, remarks: Sequence[_Remark], asked: Sequence[_Remark | None]) -> Iterator[_Chosen]:
    """The first thing of substance that the agent said to each question."""
    for question in asked:
        if question is not None and question.asks:
            said = [one for one in remarks if one.at_ms > question.at_ms and not one.courtesy and one.party == "agent"]
            answer = next((one for one in said if not cues.undertakes.search(one.text)), None)
            if answer is not None and not answer.asks and answer.telling:
                yield _Chosen(2 + answer.rarity, answer.line(), answer)


def _open(cues: Cues, remarks: Sequence[_Remark]) -> Iterator[_Chosen]:
    """Questions of the customer after which the agent said nothing of substance, and what the agent had gone to see."""
    for number, remark in enumerate(one for one in reversed(remarks) if not one.courtesy):
        if remark.party == "agent":
            if cues.undertakes.search(remark.text) and not remark.asks:
                yield _Chosen(-number, remark.line(what="the agent was on it"), remark)
            elif remark.telling:
                return
        elif remark.asks and remark.telling and not cues.aside.search(remark.text):
            yield _Chosen(-number, remark.line(what="not answered"), remark)


class _Left:
    """The remarks that are in no part yet; each is told once."""

    def __init__(self, remarks: Sequence[_Remark]) -> None:
        self._left: set[_Remark | None] = set(remarks)

    def best(self, candidates: Iterable[_Chosen], most: int) -> list[_Chosen]:
        """Take the weightiest that are left, none of which says what another one says."""
        kept: list[_Chosen] = []
        for one in sorted(candidates, key=lambda one: (-one.weight, one.line.at_ms)):
            if one.remark in self._left and len(kept) < most and not any(map(one.says_the_same, kept)):
                kept.append(one)
        self._left -= {one.remark for one in kept}
        return kept


def _on_one_screen(parts: Mapping[str, Sequence[_Chosen]], room: int) -> dict[str, tuple[BriefLine, ...]]:
    """Each part's weightiest lines in order of time; where all are too many, the longest part gives up its lightest."""
    kept = {name: sorted(lines, key=lambda one: -one.weight)[: MOST[name]] for name, lines in parts.items()}
    while sum(map(len, kept.values())) > room:
        max(kept.values(), key=len).pop()
    return {
        name: tuple(sorted((one.line for one in lines), key=lambda line: line.at_ms)) for name, lines in kept.items()
    }


# --- what the fold has kept


def _who(playbook: Playbook, call: Call, cues: Cues, remarks: Sequence[_Remark]) -> list[_Chosen]:
    """What slots hold, those first that name the customer or the case; a name that was given, a number asked for."""
    found: list[_Chosen] = []
    heard = lookup.heardings(playbook, call)
    named = False
    for slot, source in playbook.slots.items():
        if taken := heard.captured(slot):
            at_ms, capture = taken[-1]
            named = named or source.kind == "name"
            what = slot.replace("_", " ").replace("-", " ")
            line = BriefLine(text=_said(capture.quotes), at_ms=at_ms, words=capture.quotes, what=what)
            found.append(_Chosen(3 if source.kind in ("name", "pattern", "number") else 1, line))
    wanted: list[tuple[str, int]] = []
    for remark in remarks:
        if remark.party == "agent":
            asked = cues.asks_reference.search(remark.text)
            if asked is not None:
                wanted = [(asked.group(), ANSWERS_WITHIN)]
            elif cues.asks_name.search(remark.text) and not named:
                wanted = [("", 1)]
            continue
        given = None if named else cues.gives_name.search(remark.text)
        if given is not None:
            named = True
            found.append(_Chosen(2, _line(remark.part(*given.span()))))
        if not wanted:
            continue
        what, within = wanted.pop()
        answer = cues.reference.search(remark.text) if what else None
        if answer is not None:
            found.append(_Chosen(2, _line(remark.part(*answer.span()), what=what)))
        elif not what and given is None and 1 < len(remark.words) <= 3 and not remark.courtesy:
            named = True
            found.append(_Chosen(2, _line(remark.words, what="name")))
        elif within > 1:
            wanted = [(what, within - 1)]
    return list({one.line.text: one for one in reversed(found)}.values())[::-1]


def _ticked(playbook: Playbook, call: Call) -> list[_Chosen]:
    """Checklists: how far they came and what is left; of those that are there in every call, the ones mostly done.

    Not the steps of articles: that one came up, and what was done with it, is told with the articles.
    """
    found = []
    for _, checklist in sorted(call.told.checklists.items()):
        done = [step for step in checklist.steps if step.done]
        source = playbook.checklists.get(checklist.id)
        on_purpose = source is not None and bool(source.opened_by)
        if source is None or not done or (not on_purpose and 2 * len(done) <= len(checklist.steps)):
            continue
        left = [step.text for step in checklist.steps if not step.done]
        more = f" and {len(left) - STEPS_NAMED} more" if len(left) > STEPS_NAMED else ""
        what = f"{checklist.title}: {len(done)} of {len(checklist.steps)} done"
        what += f"; not yet: {', '.join(left[:STEPS_NAMED])}{more}" if left else ""
        last = max(done, key=lambda step: _since(call, step.words))
        line = BriefLine(text="", at_ms=_since(call, last.words), words=last.words, what=what)
        found.append(_Chosen(FIRST, line))
    return found


def _since(call: Call, quotes: Sequence[Quote]) -> int:
    """When the first of some words was said; 0 where there are none."""
    segment = call.transcript.find(quotes[0].segment_id) if quotes else None
    if segment is None:
        return 0
    before = sum(1 for span in segment.words.spans if span[1] <= quotes[0].start)
    return segment.time_of(before)


def _articles(call: Call) -> tuple[BriefArticle, ...]:
    """The articles that came up, those first that the agent did something with."""
    done: dict[str, set[str]] = {}
    for answer in call.answers.values():
        done.setdefault(answer.card_id, set()).add(answer.action)
    found = [
        BriefArticle(
            id=card.article.id,
            title=card.title,
            version=card.article.version,
            did=tuple(action for action in _DONE_WITH if action in done.get(card.id, ())),
            at_ms=card.at_ms,
            words=card.why.words,
        )
        for card in call.told.cards.values()
        if card.article is not None and card.state == "confirmed"
    ]
    used = sorted(found, key=lambda one: (not one.did or "dismissed" in one.did, one.at_ms, one.id))
    once = {one.id: one for one in reversed(used)}
    kept = sorted(once.values(), key=used.index)[:MOST_ARTICLES]
    return tuple(sorted(kept, key=lambda one: (one.at_ms, one.id)))


def _mood(playbook: Playbook, call: Call, lines: tuple[BriefLine, ...]) -> BriefMood:
    patience = call.weighing.state
    score = frustration.faded(playbook.temper, patience, call.now)
    peak = max(call.weighing.states, key=lambda state: (BANDS.index(state.band), state.score))
    return BriefMood(
        score=round(score, 3),
        band=frustration.settled_band(playbook.temper, patience.band, score),
        highest=peak.band,
        highest_ms=peak.at_ms,
        turns=lines,
    )


def _turns_of_mood(playbook: Playbook, call: Call) -> list[_Chosen]:
    """Where the mood entered a higher band, and where words brought it to a lower one. That it faded is no line."""
    ledger = call.weighing
    found = [
        _turn(BANDS.index(rise.band), rise.band, rise.what, rise.at_ms, rise.quotes) for rise in ledger.state.rises
    ]
    for before, after, fact in zip(ledger.states, ledger.states[1:], ledger.facts, strict=False):
        faded = frustration.faded(playbook.temper, before, fact.at_ms)
        band = frustration.settled_band(playbook.temper, before.band, faded)
        if fact.weight < 0 and BANDS.index(after.band) < BANDS.index(band):
            found.append(_turn(1, after.band, fact.what, fact.at_ms, fact.quotes))
    return found


def _turn(weight: float, band: Band, what: str, at_ms: int, quotes: tuple[Quote, ...]) -> _Chosen:
    words = _said(quotes)
    if len(words) > LONGEST:
        words = words[: LONGEST - len(MORE)].rsplit(" ", 1)[0] + MORE
    line = BriefLine(text=words, at_ms=at_ms, words=quotes, what=f"{band}: {what}" if what else band)
    return _Chosen(weight, line)
