"""The agent's request for help: asked, taken on, dealt with, taken back; told to the agent, and an alert to others."""

import itertools

import msgspec
import pytest
from calls import CALL, SOURCE, Watcher, playbook
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rtig.core import engine
from rtig.core.events import AlertAnswered, AnyEvent, CallEnded, CallStarted, HelpAsked, HelpTakenBack, PlaybookChanged
from rtig.core.guidance import Alert, Guidance, Help
from rtig.core.help_requests import ALERT


def ask(help_id: str, at_ms: int, text: str = "") -> HelpAsked:
    return HelpAsked(call_id=CALL, help_id=help_id, text=text, by="ann", at_ms=at_ms)


def back(help_id: str, at_ms: int) -> HelpTakenBack:
    return HelpTakenBack(call_id=CALL, help_id=help_id, by="ann", at_ms=at_ms)


def take(at_ms: int, by: str = "eve") -> AlertAnswered:
    return AlertAnswered(call_id=CALL, alert_id=ALERT, action="acknowledge", by=by, at_ms=at_ms, answer_id=f"t{at_ms}")


def resolve(at_ms: int, by: str = "eve") -> AlertAnswered:
    return AlertAnswered(call_id=CALL, alert_id=ALERT, action="resolve", by=by, at_ms=at_ms, answer_id=f"r{at_ms}")


def told(*events: AnyEvent) -> tuple[list[Help], list[Alert]]:
    watcher = Watcher()
    watcher.hear(CallStarted(call_id=CALL, agent="ann"), *events)
    return of(watcher.items)


def of(items: list[Guidance]) -> tuple[list[Help], list[Alert]]:
    return [i for i in items if isinstance(i, Help)], [i for i in items if isinstance(i, Alert)]


def story(*events: AnyEvent) -> list[tuple[str, str, str, int]]:
    """What the agent is told; the supervisors are told the same."""
    helps, alerts = told(*events)
    seen: list[tuple[str, str, str, int]] = [(h.state, h.by, h.reason, h.asked) for h in helps]
    assert [(a.state, a.by, a.reason, a.raised) for a in alerts] == seen
    return seen


def test_who_asks_is_told_so_and_supervisors_get_an_alert() -> None:
    (help_,), (alert,) = told(ask("h1", 4_000, "how much may I refund?"))
    assert help_ == Help(
        call_id=CALL, id="h1", state="open", text="how much may I refund?", asked=1, asked_ms=4_000, at_ms=4_000
    )
    assert (alert.id, alert.source, alert.state, alert.title) == (ALERT, "agent", "open", "The agent asks for help")
    assert (alert.text, alert.level, alert.raised_ms, alert.cause) == ("how much may I refund?", "calm", 4_000, 2)
    assert (alert.why.rule, alert.why.condition, alert.why.words) == ("", "the agent asked for help", ())


def test_the_first_who_takes_it_has_it_and_either_of_them_may_resolve_it() -> None:
    assert story(ask("h1", 1_000), take(2_000), take(3_000, "bob"), resolve(4_000, "bob"), resolve(5_000)) == [
        ("open", "", "", 1),
        ("acknowledged", "eve", "", 1),
        ("resolved", "bob", "handled", 1),
    ]


def test_it_is_taken_back_and_asked_for_again() -> None:
    assert story(ask("h1", 1_000), back("h1", 2_000), ask("h2", 3_000), take(4_000), back("h2", 5_000)) == [
        ("open", "", "", 1),
        ("resolved", "", "withdrawn", 1),
        ("open", "", "", 2),
        ("acknowledged", "eve", "", 2),
        ("resolved", "", "withdrawn", 2),
    ]


def test_more_words_change_what_is_told_and_not_since_when() -> None:
    helps, alerts = told(ask("h1", 1_000), take(2_000), ask("h2", 3_000, "the supervisor of billing"), ask("h3", 3_500))
    assert [(h.id, h.state, h.text, h.asked_ms, h.at_ms) for h in helps] == [
        ("h1", "open", "", 1_000, 1_000),
        ("h1", "acknowledged", "", 1_000, 2_000),
        ("h1", "acknowledged", "the supervisor of billing", 1_000, 2_000),
    ]
    # The same state, told again: whoever listens for changes is not told twice.
    assert [(a.text, a.cause) for a in alerts] == [("", 2), ("", 3), ("the supervisor of billing", 3)]
    assert story(ask("h1", 1_000), ask("h2", 2_000, "a refund"), back("h2", 3_000))[-1][2] == "withdrawn"


@pytest.mark.parametrize(
    "late",
    [
        ask("h1", 9_000),
        back("h1", 9_000),
        back("unheard-of", 9_000),
        take(9_000),
        resolve(9_000),
    ],
)
def test_what_comes_late_or_twice_changes_nothing(late: AnyEvent) -> None:
    events: list[AnyEvent] = [ask("h1", 1_000), back("h1", 2_000)]
    assert story(*events, late) == story(*events)


def test_taking_an_earlier_request_back_leaves_the_later_one() -> None:
    events: list[AnyEvent] = [ask("h1", 1_000), resolve(2_000), ask("h2", 3_000)]
    assert story(*events, back("h1", 4_000)) == story(*events)


def test_an_answer_before_anybody_asked_is_no_answer() -> None:
    assert story(take(500), resolve(600), ask("h1", 1_000)) == [("open", "", "", 1)]


def test_the_end_of_the_call_resolves_it() -> None:
    assert story(ask("h1", 1_000), CallEnded(call_id=CALL, at_ms=2_000), ask("h2", 3_000)) == [
        ("open", "", "", 1),
        ("resolved", "", "ended", 1),
    ]


def test_it_stands_through_another_playbook() -> None:
    watcher = Watcher()
    watcher.hear(CallStarted(call_id=CALL), ask("h1", 1_000))
    watcher.playbook = playbook(replace(SOURCE, name="another"))
    watcher.hear(PlaybookChanged(call_id=CALL, version="v", at_ms=2_000), take(3_000))
    assert [h.state for h in of(watcher.items)[0]] == ["open", "acknowledged"]


DEEDS = st.lists(
    st.one_of(
        st.builds(ask, st.sampled_from("abc"), st.integers(0, 9_000), st.sampled_from(("", "words"))),
        st.builds(back, st.sampled_from("abc"), st.integers(0, 9_000)),
        st.builds(take, st.integers(0, 9_000), st.sampled_from(("eve", "bob"))),
        st.builds(resolve, st.integers(0, 9_000), st.sampled_from(("eve", "bob"))),
    ),
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(DEEDS)
def test_agent_and_supervisors_are_told_the_same_whatever_people_do(deeds: list[AnyEvent]) -> None:
    events = [CallStarted(call_id=CALL), *deeds, CallEnded(call_id=CALL, at_ms=10_000)]
    runs = [list(engine.replay(playbook(), CALL, events)) for _ in range(2)]
    assert msgspec.json.encode([s.guidance for s in runs[0]]) == msgspec.json.encode([s.guidance for s in runs[1]])
    helps, alerts = of([item for step in runs[0] for item in step.guidance])
    assert [(h.state, h.by, h.reason, h.asked, h.text) for h in helps] == [
        (a.state, a.by, a.reason, a.raised, a.text) for a in alerts
    ]
    assert all(a != b for a, b in itertools.pairwise(helps))
    assert not helps or helps[-1].state == "resolved"
