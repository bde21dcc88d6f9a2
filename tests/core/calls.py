"""Small calls for the tests of the core: a playbook, and words that know when they were said."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig.core.events import AnyEvent, CallEnded, CallStarted, Channel, Party, SegmentHeard
from rtig.core.frustration import Signal
from rtig.core.guidance import CallInfo, Card, Checklist, Guidance, Hint, Line, Mood, Whisper, Withheld
from rtig.core.playbook import ChecklistSource, Playbook, SignalSource, Source, StepSource
from rtig.core.policy import Attention
from rtig.core.triggers import (
    Clause,
    Condition,
    Monologue,
    MoodAt,
    NotSaid,
    Rule,
    Said,
    Silence,
    TalkOver,
)

CALL = "call-1"
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
    ),
    valence={"cancel": 0.0},
)


def playbook(source: Source = SOURCE) -> Playbook:
    return Playbook(source, SentimentIntensityAnalyzer())


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
            case Card() | Checklist() | Whisper() | Hint():
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
