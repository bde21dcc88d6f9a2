"""An earlier call as the agent of a later one sees it."""

from calls import CALL, Watcher, playbook, say, segment

from rtig.core import history
from rtig.core.events import AnyEvent, CallEnded, CallStarted
from rtig.core.frustration import Signal
from rtig.core.guidance import Contact
from rtig.core.playbook import SignalSource, Source

BOOK = playbook(
    Source(
        name="history",
        signals=(
            SignalSource(Signal("early", "has been in touch before", 0.5), ("third time",)),
            SignalSource(Signal("late", "feels their time is wasted", 0.3), ("day off",)),
            SignalSource(Signal("thanks", "is relieved", -0.9), ("that helps",)),
        ),
    )
)
STARTED = CallStarted(call_id=CALL, agent="ann", queue="billing", channel="chat", customer="account 7")


def contact(*events: AnyEvent, began_at: int = 1_700) -> Contact:
    watcher = Watcher(BOOK)
    watcher.hear(*events)
    return history.contact(BOOK, watcher.call, began_at)


def test_it_says_when_and_where_it_was_and_how_it_ended() -> None:
    assert contact(
        STARTED,
        segment("a", say("customer", 1_000, "third time")),
        segment("b", say("customer", 4_000, "a day off")),
        CallEnded(call_id=CALL, at_ms=9_000, reason="transferred"),
    ) == Contact(
        call_id=CALL, state="ended", reason="transferred", channel="chat", agent="ann", queue="billing",
        started_at=1_700, lasted_ms=9_000, band="frustrated", because="feels their time is wasted",
    )  # fmt: skip


def test_what_the_source_says_of_its_beginning_counts() -> None:
    started = CallStarted(call_id=CALL, started_at=1_600)
    assert contact(started).started_at == 1_600
    assert (contact(started).state, contact(started).reason) == ("live", "")


def test_one_that_ended_calm_names_no_reason() -> None:
    ended = contact(
        STARTED,
        segment("a", say("customer", 1_000, "third time")),
        segment("b", say("customer", 4_000, "that helps")),
        CallEnded(call_id=CALL, at_ms=9_000),
    )
    assert (ended.band, ended.because) == ("calm", "")
