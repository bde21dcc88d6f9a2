"""Small calls for the tests of the core: a playbook, words that know when they were said, and who follows a call."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from hypothesis import strategies as st
from msgspec.structs import replace
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core import engine, lookup
from rtig.core.call import Call
from rtig.core.conditions import Condition, Monologue, MoodAt, NotSaid, Said, Silence, SlotIs, TalkOver
from rtig.core.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    CardAnswered,
    CardMissed,
    Channel,
    ClockTicked,
    HoldChanged,
    Party,
    PartyCorrected,
    PlaybookChanged,
    SegmentHeard,
    SegmentVoided,
    Tone,
    UtteranceRead,
)
from rtig.core.frustration import Signal
from rtig.core.guidance import Alert, CallInfo, Card, Checklist, Guidance, Hint, Line, Mood, Whisper, Withheld
from rtig.core.language import Language
from rtig.core.matcher import Matcher
from rtig.core.matcher import Spoken as SpokenPhrase
from rtig.core.playbook import ChecklistSource, MeaningSource, Playbook, SignalSource, SlotSource, Source
from rtig.core.policy import Attention
from rtig.core.text import words
from rtig.core.triggers import Clause, Rule, StepSource
from rtig.core.utterances import key_of

CALL = "call-1"


def matcher(*phrases: str, tolerant: bool = True) -> Matcher:
    return Matcher([SpokenPhrase(phrase, tolerant) for phrase in phrases], Language())


WORD_MS = 300


def rule(
    rule_id: str,
    condition: Condition,
    *,
    unless: tuple[str, ...] = (),
    done: tuple[str, ...] = (),
    priority: int = 50,
    cooldown_ms: int = 120_000,
    once: bool = False,
    exempt: bool = False,
    draft: bool = False,
    queues: tuple[str, ...] = (),
    channels: tuple[Channel, ...] = (),
) -> Rule:
    return Rule(
        id=rule_id,
        kind="coach",
        title=rule_id,
        say=f"say {rule_id}",
        clauses=(Clause(condition, unless, done),),
        priority=priority,
        cooldown_ms=cooldown_ms,
        once=once,
        exempt=exempt,
        draft=draft,
        queues=queues,
        channels=channels,
    )


SOURCE = Source(
    name="test",
    attention=Attention(gap_ms=3_000, patience_ms=8_000),
    rules=(
        rule("bill", Said(("bill ~3 (doubled|higher)", "why am i paying")), cooldown_ms=20_000),
        rule("cancel", Said(("cancel (my|the)? (contract|plan)",)), unless=("cancel the appointment",), priority=70),
        rule("cancel-any", Said(("cancel",), party="any"), unless=("cancel the appointment",), priority=20),
        rule("router", Said(("router", "restart*"), party="any"), cooldown_ms=5_000, priority=40),
        rule("early", Said(("help",), first_ms=6_000), priority=45),
        rule("late", Said(("help",), past_ms=6_000), once=True, priority=45),
        rule("manager", Said(("(speak|talk) to (a|the) manager",)), done=("put you through",), priority=90),
        rule("recorded", NotSaid(("call is recorded",), within_ms=10_000), exempt=True, once=True, priority=95),
        rule("hush", Silence(8_000)),
        rule("interrupting", TalkOver(2, 30_000)),
        rule("lecture", Monologue(15_000)),
        rule("upset", MoodAt("frustrated"), priority=80),
        rule("drafted", Said(("router",), party="any"), draft=True),
        rule("faults-only", Said(("router",), party="any"), queues=("faults",)),
    ),
    checklists=(
        ChecklistSource(
            "opening",
            "Opening",
            (StepSource("greet", "Greet", ("thanks for calling",)), StepSource("ask", "Ask", ("how can i help",))),
        ),
        ChecklistSource(
            "leaving", "Leaving", (StepSource("why", "Ask why", ("may i ask why",)),), ("cancel ~2 contract",)
        ),
    ),
    signals=(
        SignalSource(Signal("again", "has been in touch before", 0.4), ("(second|third) time ~2 call*",)),
        SignalSource(Signal("relief", "is relieved", -0.5), ("that is great",)),
        SignalSource(Signal("refused", "was told no", 0.2, "agent"), ("that is not possible",)),
    ),
    valence={"cancel": 0.0},
)


def playbook(source: Source = SOURCE) -> Playbook:
    return Playbook(source, SentimentIntensityAnalyzer())


PLAYBOOK = playbook()
FEW = replace(SOURCE, rules=tuple(r for r in SOURCE.rules if r.id in ("bill", "cancel", "manager", "upset")))
"""For stories about words, in which nobody minds a silence."""
OF_WORDS = playbook(FEW)


class Spoken(NamedTuple):
    """Words of one party, one every `WORD_MS`, from `start_ms` on."""

    party: Party
    start_ms: int
    words: tuple[str, ...]

    @property
    def end_ms(self) -> int:
        return self.start_ms + WORD_MS * len(self.words)

    def piece(self, first: int, last: int) -> "Spoken":
        return Spoken(self.party, self.start_ms + WORD_MS * first, self.words[first:last])


def say(party: Party, start_ms: int, text: str) -> Spoken:
    return Spoken(party, start_ms, tuple(text.split()))


def segment(
    segment_id: str, spoken: Spoken, rev: int = 1, *, final: bool = True, text: str | None = None, stable: int = 0
) -> SegmentHeard:
    return SegmentHeard(
        call_id=CALL,
        segment_id=segment_id,
        rev=rev,
        party=spoken.party,
        text=" ".join(spoken.words) if text is None else text,
        final=final,
        start_ms=spoken.start_ms,
        end_ms=spoken.end_ms,
        stable=stable,
    )


def call(spoken: Iterable[Spoken], end_ms: int | None = None) -> list[AnyEvent]:
    """The call in final segments, one for each stretch of speech."""
    events: list[AnyEvent] = [CallStarted(call_id=CALL, queue="billing")]
    events += [segment(f"s{n}", part) for n, part in enumerate(spoken)]
    if end_ms is not None:
        events.append(CallEnded(call_id=CALL, at_ms=end_ms))
    return events


def cards(guidance: Iterable[Guidance]) -> dict[str, Card]:
    """Every card in its last state."""
    return {item.id: item for item in guidance if isinstance(item, Card)}


def confirmed(guidance: Sequence[Guidance]) -> list[str]:
    """Ids of the cards whose last state is confirmed, in the order of the moments they answer."""
    last = cards(guidance).values()
    return [card.id for card in sorted(last, key=lambda c: (c.at_ms, c.id)) if card.state == "confirmed"]


def screen(guidance: Iterable[Guidance]) -> dict[tuple[str, ...], Guidance]:
    """What a screen shows that was given these items: each replaces the one with its identity."""
    shown: dict[tuple[str, ...], Guidance] = {}
    for item in guidance:
        match item:
            case Line():
                place: tuple[str, ...] = ("transcript", item.segment_id)
            case Card() | Checklist() | Whisper() | Hint() | Alert():
                place = (type(item).__name__, item.id)
            case Withheld():
                place = ("withheld", item.rule, str(item.at_ms))
            case Mood() | CallInfo():
                place = (type(item).__name__,)
        shown.pop(place, None)
        gone = item.voided if isinstance(item, Line) else isinstance(item, Checklist) and item.withdrawn
        if not gone:
            shown[place] = item
    return shown


# --- calls at random

VOCABULARY = [
    "bill", "has", "doubled", "higher", "why", "am", "i", "paying", "cancel", "my", "the", "contract", "plan",
    "appointment", "router", "restarting", "help", "speak", "to", "a", "manager", "put", "you", "through", "call",
    "is", "recorded", "third", "time", "calling", "that", "great", "terrible", "awful", "not", "good", "um", "uh",
    "I'm", "don't", "bill has doubled", "cancel my contract", "cancel the appointment", "speak to a manager",
    "put you through", "call is recorded", "third time calling", "that is great", "that is not possible",
]  # fmt: skip
"""Words of the phrases above, of moods, and fillers; and whole phrases, which chance alone would hardly ever say."""


def sentences(at_least: int, at_most: int) -> st.SearchStrategy[tuple[str, ...]]:
    parts = st.lists(st.sampled_from(VOCABULARY), min_size=at_least, max_size=at_most)
    return parts.map(lambda said: tuple(" ".join(said).split()))


PACES = st.sampled_from((WORD_MS, WORD_MS, 5 * WORD_MS, 20 * WORD_MS))
"""Units of time between what is said: what lies far enough back is not looked at again."""


@st.composite
def talks(draw: st.DrawFn) -> list[Spoken]:
    """Stretches of speech; the parties may overlap, one party never speaks twice at a time."""
    free = {"customer": 0, "agent": 0}
    talk = []
    slowly = draw(PACES)
    for _ in range(draw(st.integers(1, 6))):
        party = draw(st.sampled_from(("customer", "agent")))
        start = free[party] + slowly * draw(st.integers(0, 40))
        words = draw(sentences(1, 9))
        talk.append(Spoken(party, start, words))  # type: ignore[arg-type]
        free[party] = talk[-1].end_ms
    return talk


@st.composite
def travels(draw: st.DrawFn, talk: Sequence[Spoken]) -> list[SegmentHeard]:
    """The talk cut into other segments, with interims that may be wrong, sent again and reordered."""
    sent: list[SegmentHeard] = []
    for number, spoken in enumerate(talk):
        cuts = draw(st.lists(st.integers(1, len(spoken.words)), max_size=3))
        edges = sorted({0, len(spoken.words), *cuts})
        for first, last in pairwise(edges):
            piece = spoken.piece(first, last)
            revisions = draw(st.integers(0, 3))
            for rev in range(revisions):
                heard = piece.piece(0, draw(st.integers(1, len(piece.words))))
                wrong = draw(st.booleans())
                text = " ".join(draw(st.permutations(heard.words))) if wrong else None
                sent.append(segment(f"{number}-{first}", heard, rev, final=False, text=text))
            sent.append(segment(f"{number}-{first}", piece, revisions))
    again = draw(st.lists(st.sampled_from(sent), max_size=4))
    return draw(st.permutations(sent + again))


@st.composite
def happenings(draw: st.DrawFn) -> list[AnyEvent]:
    """A call with everything in it; segments of one party may overlap, and some are never settled."""
    heard: list[AnyEvent] = []
    slowly = draw(PACES)
    for _ in range(draw(st.integers(1, 8))):
        party = draw(st.sampled_from(("customer", "customer", "agent", "unknown")))
        words = draw(sentences(0, 7))
        spoken = Spoken(party, slowly * draw(st.integers(0, 60)), words)  # type: ignore[arg-type]
        segment_id, rev = draw(st.sampled_from("abcdef")), draw(st.integers(0, 4))
        heard.append(segment(segment_id, spoken, rev, final=draw(st.booleans()), stable=draw(st.integers(0, 60))))
    ids = st.sampled_from("abcdef")
    others: list[AnyEvent] = draw(
        st.lists(
            st.one_of(
                st.builds(SegmentVoided, call_id=st.just(CALL), segment_id=ids),
                st.builds(
                    PartyCorrected, call_id=st.just(CALL), segment_id=ids, rev=st.integers(0, 3),
                    party=st.sampled_from(("customer", "agent")),
                ),
                st.builds(tone_of, st.sampled_from([e.text for e in heard if isinstance(e, SegmentHeard)])),
                st.builds(
                    HoldChanged, call_id=st.just(CALL), on=st.booleans(),
                    at_ms=st.sampled_from((0, 4_000, 9_000, 70_000)),
                ),
                st.builds(ClockTicked, call_id=st.just(CALL), at_ms=st.sampled_from((5_000, 15_000, 50_000))),
                st.builds(
                    CardAnswered, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "cancel.1", "router.1")),
                    action=st.just("dismissed"), reason=st.sampled_from(("wrong", "late")), at_ms=st.just(9_000),
                    answer_id=st.just("x"),
                ),
                st.builds(
                    CardMissed, call_id=st.just(CALL), card_id=st.sampled_from(("bill.1", "cancel.1")),
                    early=st.booleans(),
                ),
            ),
            max_size=5,
        )
    )  # fmt: skip
    return [CallStarted(call_id=CALL, queue="billing"), *draw(st.permutations(heard + others))]


# --- whole calls folded


def fold(events: Sequence[AnyEvent], ticks: bool = False) -> tuple[Call, list[Guidance]]:
    folded = list((engine.rehearse if ticks else engine.replay)(PLAYBOOK, CALL, events))
    return folded[-1].call, [item for step in folded for item in step.guidance]


def outcome(state: Call, guidance: Sequence[Guidance]) -> dict[str, Any]:
    """All that must not depend on how the words travelled."""
    return {
        "cards": [(c.id, c.at_ms, [q.text for q in c.why.words] and c.why.condition) for c in ordered(guidance)],
        "mood": (state.weighing.state.score, state.weighing.state.tally, state.weighing.state.read),
        "weighed": [(f.order, f.what, f.weight, f.amounts) for f in state.weighing.facts],
        "checklists": {i: [s.done for s in c.steps] for i, c in state.told.checklists.items()},
        "shape": state.shape,
        "withheld": sorted((w.moment.rule.id, w.reason, w.moment.at_ms) for w in state.told.choice.withheld.values()),
    }


def ordered(guidance: Sequence[Guidance]) -> list[Card]:
    last = cards(guidance)
    return [last[card_id] for card_id in confirmed(guidance)]


# --- one call, event by event


class Watcher:
    """Somebody who follows a call and keeps what it was told."""

    def __init__(self, followed: Playbook = PLAYBOOK) -> None:
        self.playbook = followed
        self.call = engine.begin(CALL)
        self.log: list[AnyEvent] = []
        self.items: list[Guidance] = []

    def hear(self, *events: AnyEvent) -> list[Guidance]:
        told: list[Guidance] = []
        for event in events:
            self.log.append(event)
            self.call, items = engine.step(self.playbook, self.call, len(self.log), event)
            told += items
        self.items += told
        return told

    def change(self, source: Source, at_ms: int = 0) -> list[Guidance]:
        self.playbook = playbook(source)
        return self.hear(PlaybookChanged(call_id=CALL, version=self.playbook.version, at_ms=at_ms))

    def tick(self, at_ms: int) -> list[Guidance]:
        return self.hear(ClockTicked(call_id=CALL, at_ms=at_ms))

    @property
    def wake(self) -> int | None:
        return engine.wake_at(self.playbook, self.call)


def watching(*events: AnyEvent, followed: Playbook = OF_WORDS) -> Watcher:
    watcher = Watcher(followed)
    watcher.hear(CallStarted(call_id=CALL, queue="billing"), *events)
    return watcher


def held(on: bool, at_ms: int) -> HoldChanged:
    return HoldChanged(call_id=CALL, on=on, at_ms=at_ms)


def following(*rules: Rule, slots: tuple[SlotSource, ...] = (), meanings: tuple[MeaningSource, ...] = ()) -> Watcher:
    return watching(followed=playbook(Source(name="of", rules=rules, slots=slots, meanings=meanings)))


NUMBER = rule("number", SlotIs("last_four"), cooldown_ms=0, exempt=True)


def kept(watcher: Watcher, at_ms: int = 10**9) -> dict[str, str]:
    return lookup.values(watcher.playbook, watcher.call, at_ms)


def last_four(when: Condition | None, party: Party = "customer") -> SlotSource:
    return SlotSource(id="last_four", kind="number", said=("{last_four}",), when=when, party=party)  # type: ignore[arg-type]


def interims(segment_id: str, spoken: Spoken) -> list[SegmentHeard]:
    """The same words twice, not final: after that they are likely to stay."""
    return [segment(segment_id, spoken, rev, final=False) for rev in (0, 1)]


def answer(reason: Any, *, card_id: str = "bill.1", at_ms: int = 3_000, answer_id: str = "a1") -> CardAnswered:
    return CardAnswered(
        call_id=CALL, card_id=card_id, action="dismissed", reason=reason, at_ms=at_ms, answer_id=answer_id
    )


def tone(spoken: Spoken | str, upset: float, pleased: float = 0.0, **more: Any) -> UtteranceRead:
    """What a model reads of the customer's mood in what was said in one go. No meaning is read in it."""
    text = spoken if isinstance(spoken, str) else " ".join(spoken.words)
    key = key_of("customer", " ".join(words(text).norms))
    felt = Tone(upset=upset, pleased=pleased, **more)
    return UtteranceRead(call_id=CALL, utterance=key, meanings="none", tone=felt)


def felt_in(text: str) -> Tone:
    """A tone as a model might find it: a function of the words."""
    said = text.lower().split()
    bad, good = (sum(word.strip(".,?!") in listed for word in said) for listed in (_UPSETTING, _PLEASING))
    upset, pleased = min(1.0, 0.3 + 0.3 * bad), min(1.0, 0.1 + 0.6 * good)
    emotion = ("", "anger", "confusion")[bad % 3]
    return Tone(upset=upset, pleased=pleased, strain=round(bad * 1.5 - good - len(said) / 7, 3), emotion=emotion)


_UPSETTING = {"terrible", "awful", "not", "third", "manager", "paying"}
_PLEASING = {"great", "good", "help", "please"}


def tone_of(text: str) -> UtteranceRead:
    """What a model finds in these words where the customer says them, and nobody else does in one go with others."""
    found = felt_in(" ".join(words(text).norms))
    return tone(text, found.upset, found.pleased, strain=found.strain, emotion=found.emotion)


def lives(items: Sequence[Guidance]) -> list[tuple[str, str, str]]:
    return [(c.id, c.state, c.reason) for c in items if isinstance(c, Card)]


def withheld(items: Sequence[Guidance]) -> list[tuple[str, str]]:
    return [(w.rule, w.reason) for w in items if isinstance(w, Withheld)]


def moods(items: Sequence[Guidance]) -> list[Mood]:
    return [m for m in items if isinstance(m, Mood)]


def checklists(items: Sequence[Guidance]) -> list[tuple[str, list[bool]]]:
    return [(c.id, [s.done for s in c.steps]) for c in items if isinstance(c, Checklist)]


DOUBLED = say("customer", 1_000, "my bill has doubled")
CONTRACT = say("customer", 1_000, "cancel my contract")
CALL_BACK = say("customer", 1_000, "nobody ever calls me back")
"""Words that a lexicon makes nothing of."""
