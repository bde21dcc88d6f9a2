"""Alerts for supervisors: one a call and rule, answered by people, raised again only on worsening; never a card."""

from collections.abc import Sequence

import msgspec
import pytest
from calls import (
    CALL,
    SOURCE,
    WORD_MS,
    Spoken,
    Watcher,
    call,
    happenings,
    lives,
    playbook,
    rule,
    say,
    segment,
    talks,
    travels,
    withheld,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import alerts, derive, engine
from rtig.core.call import Alerted
from rtig.core.conditions import AllOf, AnyOf, Condition, MoodAt, Not, OnHold, Said, ScoreAt, Silence
from rtig.core.events import (
    AlertAnswered,
    AnyEvent,
    CallEnded,
    CallStarted,
    ClockTicked,
    HoldChanged,
    PartyCorrected,
    SegmentVoided,
)
from rtig.core.frustration import Signal
from rtig.core.guidance import Alert, Card, Guidance
from rtig.core.playbook import Playbook, SignalSource, Source
from rtig.core.triggers import Rule


def to_supervisors(rule_id: str, condition: Condition, **more: object) -> Rule:
    made = rule(rule_id, condition, **more)  # type: ignore[arg-type]
    return replace(made, to="supervisors", kind="alert", title=f"About {rule_id}", say="")


UNOFFERED = AllOf(
    (
        Said(("(speak|talk) to (a|the) manager",)),
        Not(Said(("(speak|talk) to (a|the) manager",), lasting_ms=20_000)),
        Not(Said(("put you through",), party="agent")),
    )
)
SOURCE_OF_ALERTS = Source(
    name="alerts",
    rules=(
        to_supervisors("legal", Said(("my lawyer",)), unless=("my lawyer friend",)),
        to_supervisors("hot", MoodAt("frustrated", for_ms=2_000)),
        to_supervisors("unoffered", UNOFFERED),
        to_supervisors("held", OnHold(30_000)),
        to_supervisors("queue", Said(("my lawyer",)), queues=("faults",)),
        to_supervisors("draft", Said(("my lawyer",)), draft=True),
        rule("bill", Said(("my bill",))),
        rule("lawyer-card", Said(("my lawyer",))),
    ),
    signals=(
        SignalSource(Signal("tense", "is tense", 0.3), ("point one",)),
        SignalSource(Signal("hot", "is hot", 0.6), ("point two",)),
        SignalSource(Signal("critical", "is critical", 0.9), ("point three",)),
        SignalSource(Signal("relief", "is relieved", -0.9), ("point zero",)),
    ),
)
BOOK = playbook(SOURCE_OF_ALERTS)
"""Signals say how hot the customer is, so that the tests need no anger."""


class Floor(Watcher):
    """Somebody who follows a call that goes on, sentence by sentence, with the ticks that a clock would give."""

    def __init__(self, followed: Playbook = BOOK) -> None:
        super().__init__(followed)
        self.number = 0
        self.hear(CallStarted(call_id=CALL, queue="billing"))

    def until(self, at_ms: int) -> None:
        while (wake := self.wake) is not None and wake < at_ms:
            self.tick(wake)

    def says(self, at_ms: int, text: str, party: str = "customer") -> None:
        self.until(at_ms)
        self.number += 1
        self.hear(segment(f"s{self.number}", say(party, at_ms, text)))  # type: ignore[arg-type]

    def passes(self, at_ms: int) -> None:
        self.until(at_ms)
        self.tick(at_ms)

    def answers(self, at_ms: int, action: str, alert_id: str = "legal", by: str = "eve") -> None:
        self.until(at_ms)
        self.number += 1
        self.hear(
            AlertAnswered(
                call_id=CALL,
                alert_id=alert_id,
                action=action,  # type: ignore[arg-type]
                by=by,
                at_ms=at_ms,
                answer_id=f"a{self.number}",
            )
        )

    @property
    def alerts(self) -> list[Alert]:
        return [item for item in self.items if isinstance(item, Alert)]

    def story(self, alert_id: str = "legal") -> list[tuple[str, str, int]]:
        return [(a.state, a.reason or a.by, a.raised) for a in self.alerts if a.id == alert_id]

    def now(self, alert_id: str = "legal") -> Alert:
        return self.call.told.alerts[alert_id]


# --- raised


def test_an_alert_says_what_why_and_how_hot() -> None:
    floor = Floor()
    floor.says(1_000, "point one")
    floor.says(5_000, "you will hear from my lawyer")
    (alert,) = floor.alerts
    assert (alert.id, alert.state, alert.title, alert.level) == ("legal", "open", "About legal", "tense")
    assert (alert.raised, alert.raised_ms, alert.at_ms, alert.by, alert.reason) == (1, 6_800, 6_800, "", "")
    assert (alert.why.rule, alert.why.playbook) == ("legal", BOOK.version)
    assert alert.why.condition == "“my lawyer” said by the customer"
    assert [quote.text for quote in alert.why.words] == ["my lawyer"]
    assert alert.cause == 3
    assert alert.call_id == CALL


def test_it_is_no_card_and_asks_for_none_of_the_agents_attention() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer about my bill")
    assert [(card, state) for card, state, _ in lives(floor.items)] == [("lawyer-card.1", "confirmed")]
    assert withheld(floor.items) == []
    floor.passes(20_000)
    assert {card for card, _, _ in lives(floor.items)} == {"lawyer-card.1", "bill.1"}


def test_a_rule_that_is_met_again_while_its_alert_is_open_says_nothing_new() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.says(9_000, "from my lawyer I said")
    assert floor.story() == [("open", "", 1)]


def test_drafts_other_queues_and_excluded_words_raise_nothing() -> None:
    floor = Floor()
    floor.says(1_000, "I asked my lawyer friend")
    assert floor.alerts == []
    floor.says(9_000, "you will hear from my lawyer")
    assert [alert.id for alert in floor.alerts] == ["legal"]


def test_a_mood_that_stays_raises_one_by_the_clock() -> None:
    floor = Floor()
    floor.says(1_000, "point two")
    assert floor.alerts == []
    assert floor.wake == 3_600
    floor.passes(4_000)
    assert (floor.now("hot").raised_ms, floor.now("hot").level) == (3_600, "frustrated")


def test_interim_words_raise_nothing() -> None:
    floor = Floor()
    for rev in range(3):
        floor.hear(segment("s1", say("customer", 0, "you will hear from my lawyer"), rev, final=False, stable=28))
    assert floor.alerts == []


def test_a_call_that_nobody_has_announced_alerts_nobody_until_it_is() -> None:
    watcher = Watcher(BOOK)
    watcher.hear(segment("s1", say("customer", 0, "you will hear from my lawyer")))
    assert not any(isinstance(item, Alert) for item in watcher.items)
    watcher.hear(CallStarted(call_id=CALL, queue="faults"))
    assert [item.id for item in watcher.items if isinstance(item, Alert)] == ["legal", "queue"]


# --- answered


def test_one_takes_it_and_deals_with_it() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.answers(9_000, "acknowledge")
    assert (floor.now().state, floor.now().by, floor.now().at_ms) == ("acknowledged", "eve", 9_000)
    assert floor.now().raised_ms == 2_800
    floor.answers(20_000, "resolve", by="bob")
    assert (floor.now().state, floor.now().by, floor.now().reason) == ("resolved", "bob", "handled")
    assert [alert.cause for alert in floor.alerts] == [2, 3, 4]


def test_of_two_who_take_it_the_first_has_it() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.answers(9_000, "acknowledge", by="eve")
    floor.answers(9_100, "acknowledge", by="bob")
    assert floor.story() == [("open", "", 1), ("acknowledged", "eve", 1)]


def test_what_is_resolved_cannot_be_taken_any_more() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.answers(9_000, "resolve")
    floor.answers(9_500, "acknowledge", by="bob")
    floor.answers(9_600, "resolve", by="bob")
    assert floor.story() == [("open", "", 1), ("resolved", "handled", 1)]


def test_an_answer_to_no_alert_and_one_with_an_early_clock() -> None:
    floor = Floor()
    floor.answers(500, "acknowledge")
    assert (floor.alerts, floor.call.answered) == ([], ())
    floor.says(1_000, "you will hear from my lawyer")
    floor.hear(AlertAnswered(call_id=CALL, alert_id="legal", action="acknowledge", by="eve", at_ms=0, answer_id="a"))
    assert (floor.now().state, floor.now().at_ms) == ("acknowledged", 2_800)


# --- raised again


@pytest.mark.parametrize("action", ["acknowledge", "resolve"])
def test_an_answered_one_is_raised_again_only_in_a_higher_band(action: str) -> None:
    floor = Floor()
    floor.says(1_000, "point one and you will hear from my lawyer")
    floor.answers(5_000, action)
    floor.says(10_000, "from my lawyer I said")
    assert len(floor.story()) == 2
    floor.says(20_000, "point two and what is more my lawyer")
    again = floor.now()
    assert (again.state, again.raised, again.level, again.by, again.reason) == ("open", 2, "frustrated", "", "")
    assert again.raised_ms == again.at_ms > 20_000


def test_it_is_raised_again_by_the_mood_alone_and_says_so() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.answers(5_000, "acknowledge")
    floor.says(10_000, "point two")
    again = floor.now()
    assert (again.state, again.raised, again.level) == ("open", 2, "frustrated")
    assert again.why.condition == "“my lawyer” said by the customer; then the customer became frustrated"
    assert [quote.text for quote in again.why.words] == ["my lawyer", "point two"]


def test_what_somebody_saw_when_they_answered_is_no_news_later() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.says(4_000, "point two")
    floor.answers(6_000, "acknowledge")
    floor.says(8_000, "point zero")
    floor.says(20_000, "point two and once more my lawyer")
    assert floor.story() == [("open", "", 1), ("acknowledged", "eve", 1)]


def test_one_that_went_away_by_itself_comes_again_as_nobody_has_seen_to_it() -> None:
    floor = Floor()
    floor.says(1_000, "point two")
    floor.says(9_000, "point zero")
    floor.says(20_000, "point two")
    floor.passes(24_000)
    assert floor.story("hot") == [("open", "", 1), ("resolved", "calmed", 1), ("open", "", 2)]


def test_one_that_went_away_by_itself_and_had_been_taken_comes_again_on_worsening_only() -> None:
    floor = Floor()
    floor.says(1_000, "point two")
    floor.answers(5_000, "acknowledge", "hot")
    floor.says(9_000, "point zero")
    assert (floor.now("hot").reason, floor.now("hot").by) == ("calmed", "eve")
    floor.says(20_000, "point two")
    floor.passes(24_000)
    assert len(floor.story("hot")) == 3
    floor.says(25_000, "point three")
    assert floor.story("hot")[-1] == ("open", "", 2)
    assert floor.now("hot").level == "critical"


# --- resolved by itself


def test_a_mood_that_cools_resolves_its_alert_by_the_clock() -> None:
    floor = Floor()
    floor.says(1_000, "point two")
    floor.passes(4_000)
    wake = floor.wake
    assert wake is not None
    floor.passes(wake)
    resolved = floor.now("hot")
    assert (resolved.state, resolved.reason, resolved.at_ms) == ("resolved", "calmed", wake)
    assert resolved.level == "frustrated"


def test_a_score_cools_below_its_level_and_not_below_a_band() -> None:
    source = replace(SOURCE_OF_ALERTS, rules=(to_supervisors("warm", ScoreAt(0.55)),))
    floor = Floor(playbook(source))
    floor.says(1_000, "point two")
    floor.passes(60_000)
    assert floor.story("warm") == [("open", "", 1), ("resolved", "calmed", 1)]
    # 0.6 falls to 0.55 in 90 s × log2(0.6/0.55).
    assert floor.now("warm").at_ms == pytest.approx(1_600 + 11_297, abs=2)


def test_a_hold_that_ends_resolves_its_alert() -> None:
    floor = Floor()
    floor.hear(HoldChanged(call_id=CALL, on=True, at_ms=1_000))
    floor.passes(40_000)
    assert floor.now("held").raised_ms == 31_000
    floor.hear(HoldChanged(call_id=CALL, on=False, at_ms=50_000))
    assert (floor.now("held").reason, floor.now("held").at_ms) == ("calmed", 50_000)


def test_a_silence_that_somebody_breaks_resolves_its_alert_with_the_first_interim_word() -> None:
    source = replace(SOURCE_OF_ALERTS, rules=(to_supervisors("quiet", Silence(20_000)),))
    floor = Floor(playbook(source))
    floor.says(1_000, "hello")
    floor.passes(30_000)
    assert floor.story("quiet") == [("open", "", 1)]
    floor.hear(segment("i1", say("agent", 31_000, "sorry"), final=False))
    assert floor.story("quiet")[-1] == ("resolved", "calmed", 1)


def test_a_delay_holds_no_more_once_it_is_over_and_what_was_offered_resolves() -> None:
    floor = Floor()
    floor.says(1_000, "can I speak to a manager")
    floor.passes(21_000)
    assert floor.alerts == []
    floor.passes(23_000)
    assert floor.now("unoffered").raised_ms == 2_800 + 20_000
    floor.says(25_000, "I said I want to speak to a manager")
    assert floor.story("unoffered") == [("open", "", 1)]
    floor.says(30_000, "let me put you through", "agent")
    assert (floor.now("unoffered").reason, floor.now("unoffered").at_ms) == ("calmed", 31_500)


def test_what_was_said_stays_said_however_long_it_was_to_count() -> None:
    condition = AnyOf((AllOf((Said(("my lawyer",), lasting_ms=5_000), MoodAt("tense"))), Said(("never",))))
    floor = Floor(playbook(replace(SOURCE_OF_ALERTS, rules=(to_supervisors("both", condition),))))
    floor.says(1_000, "point one and my lawyer")
    floor.passes(12_000)
    assert floor.story("both") == [("open", "", 1)]
    floor.says(20_000, "point zero")
    assert floor.story("both")[-1] == ("resolved", "calmed", 1)


def test_the_end_of_the_call_resolves_what_is_left() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.says(4_000, "point two")
    floor.answers(8_000, "acknowledge", "hot")
    floor.hear(CallEnded(call_id=CALL, at_ms=9_000))
    assert (floor.now().state, floor.now().reason, floor.now().at_ms) == ("resolved", "ended", 9_000)
    assert (floor.now("hot").reason, floor.now("hot").by) == ("ended", "eve")
    floor.answers(9_500, "resolve")
    assert len(floor.story()) == 2


# --- words that turn out otherwise


def test_words_that_are_taken_back_take_the_alert_back() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.answers(5_000, "acknowledge")
    floor.hear(SegmentVoided(call_id=CALL, segment_id="s1"))
    assert (floor.now().state, floor.now().reason) == ("resolved", "revised")
    floor.says(9_000, "you will hear from my lawyer")
    assert (floor.now().state, floor.now().raised, floor.now().by) == ("open", 1, "")


def test_a_speaker_who_is_corrected_takes_it_back_and_brings_it_again() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.hear(PartyCorrected(call_id=CALL, segment_id="s1", rev=1, party="agent"))
    assert floor.story() == [("open", "", 1), ("resolved", "revised", 1)]
    floor.hear(PartyCorrected(call_id=CALL, segment_id="s1", rev=2, party="customer"))
    assert floor.story()[-1] == ("open", "", 1)


def test_an_earlier_occasion_that_is_heard_late_is_told_and_is_no_new_state() -> None:
    floor = Floor()
    floor.says(9_000, "you will hear from my lawyer")
    floor.hear(segment("late", say("customer", 1_000, "my lawyer")))
    first, second = floor.alerts
    assert (second.state, second.raised, second.raised_ms, second.cause) == ("open", 1, 1_600, first.cause)


# --- another playbook


def test_a_new_rule_alerts_from_the_next_words_on_and_an_old_ones_alert_stays() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    new = to_supervisors("new", Said(("hear from",)))
    floor.change(replace(SOURCE_OF_ALERTS, rules=(*SOURCE_OF_ALERTS.rules, new)), at_ms=5_000)
    assert [(alert.id, alert.state) for alert in floor.alerts] == [("legal", "open")]
    floor.says(9_000, "you will hear from me")
    assert [(alert.id, alert.state) for alert in floor.alerts] == [("legal", "open"), ("new", "open")]


def test_a_rule_that_goes_takes_its_alert_away() -> None:
    floor = Floor()
    floor.says(1_000, "you will hear from my lawyer")
    floor.change(replace(SOURCE_OF_ALERTS, rules=SOURCE_OF_ALERTS.rules[1:]), at_ms=5_000)
    assert floor.story() == [("open", "", 1), ("resolved", "revised", 1)]


# --- however the words travel


def outcome(guidance: Sequence[Guidance]) -> list[Alert]:
    """Each alert as it was left, without what depends on the order of arrival."""
    last = {item.id: item for item in guidance if isinstance(item, Alert)}
    left = [replace(alert, cause=0) for alert in last.values() if alert.reason != "revised"]
    return [
        replace(alert, why=replace(alert.why, words=(), bends=())) for alert in sorted(left, key=lambda alert: alert.id)
    ]


EVERY = replace(
    SOURCE,
    rules=tuple(replace(one, to="supervisors") for one in SOURCE.rules),
)
EVERY_BOOK = playbook(EVERY)
"""Every rule of the core's tests raises an alert here."""


def folded(events: Sequence[AnyEvent], *, ticks: bool = False) -> list[Guidance]:
    steps = (engine.rehearse if ticks else engine.replay)(EVERY_BOOK, CALL, events)
    return [item for step in steps for item in step.guidance]


@settings(max_examples=200)
@given(st.data())
def test_the_same_words_however_they_travel_end_in_the_same_alerts(data: st.DataObject) -> None:
    talk = data.draw(talks())
    end = CallEnded(call_id=CALL, at_ms=max(s.end_ms for s in talk) + data.draw(st.sampled_from((0, 3_000, 20_000))))
    straight = [*call(talk), end]
    travelled: list[AnyEvent] = [straight[0], *data.draw(travels(talk)), end]
    guidance = folded(straight)
    assert not any(isinstance(item, Card) for item in guidance)
    assert outcome(folded(travelled)) == outcome(guidance)
    assert outcome(folded(straight, ticks=True)) == outcome(guidance)


ANSWERS = st.lists(
    st.builds(
        AlertAnswered,
        call_id=st.just(CALL),
        alert_id=st.sampled_from(("bill", "router", "upset", "hush")),
        action=st.sampled_from(("acknowledge", "resolve")),
        by=st.sampled_from(("eve", "bob")),
        at_ms=st.integers(0, 60).map(lambda n: n * WORD_MS),
        answer_id=st.sampled_from("abcdef"),
    ),
    max_size=4,
    unique_by=lambda answer: answer.answer_id,
)


@settings(max_examples=200)
@given(talks(), ANSWERS, st.data())
def test_a_log_folds_to_the_same_alerts_again_and_who_joins_late_sees_them(
    talk: list[Spoken], answers: list[AlertAnswered], data: st.DataObject
) -> None:
    start, *rest = call(talk)
    events = [start, *data.draw(st.permutations([*rest, *answers]))]
    live = list(engine.rehearse(EVERY_BOOK, CALL, events))
    again = list(engine.replay(EVERY_BOOK, CALL, [step.event for step in live]))
    assert msgspec.json.encode([s.guidance for s in again]) == msgspec.json.encode([s.guidance for s in live])
    told = {item.id: item for step in live for item in step.guidance if isinstance(item, Alert)}
    assert told == dict(live[-1].call.told.alerts)
    ticks = [step.event.at_ms for step in live if isinstance(step.event, ClockTicked)]
    assert ticks == sorted(set(ticks))


@settings(max_examples=400)
@given(happenings(), ANSWERS, st.booleans(), st.sampled_from((EVERY_BOOK, BOOK)), st.data())
def test_alerts_that_are_followed_on_are_those_of_the_whole_call(
    happened: list[AnyEvent], answers: list[AlertAnswered], in_order: bool, book: Playbook, data: st.DataObject
) -> None:
    start, *rest = happened
    events = data.draw(st.permutations([*rest, *answers]))
    if in_order:
        events.sort(key=lambda event: getattr(event, "end_ms", getattr(event, "at_ms", 0)))
    on = whole = engine.begin(CALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alerts, "MAY_CHANGE_MS", derive.REACH_MS)  # so that more of a short call lies before
        for seq, event in enumerate((start, *events), 1):
            on, told = engine.step(book, on, seq, event)
            whole, at_once = engine.step(book, replace(whole, alerted=Alerted()), seq, event)
            assert told == at_once
            assert on.calms == whole.calms


def test_states_follow_one_another_as_they_may() -> None:
    """Of what is told of one alert, nothing comes twice, and `cause` grows with each state."""
    floor = Floor()
    for n, text in enumerate(("point one my lawyer", "point two", "point zero", "point three my lawyer")):
        floor.says(1_000 + n * 20_000, text)
        floor.answers(11_000 + n * 20_000, ("acknowledge", "resolve")[n % 2])
    told = [alert for alert in floor.alerts if alert.id == "legal"]
    assert [a.state for a in told] == ["open", "acknowledged", "open", "resolved", "open", "resolved"]
    assert [a.cause for a in told] == sorted({a.cause for a in told})
