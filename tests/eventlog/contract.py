"""What every home of the log must do. An adapter's test module inherits `Contract` and says how to open the log."""

import asyncio
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from hypothesis import strategies as st

from rtig.core import events
from rtig.core.events import AnyEvent, CallEnded, CallStarted, SegmentHeard, UtteranceRead
from rtig.errors import LogUnavailable
from rtig.eventlog.port import Appended, CallKey, EventLog, Position, Recorded

CALL = CallKey("acme", "call-1")
OTHER = CallKey("acme", "call-2")
NAMESAKE = CallKey("globex", "call-1")
DAY_MS = 24 * 60 * 60 * 1000


class Clock:
    """Unix time in milliseconds, as a test sets it."""

    def __init__(self) -> None:
        self.ms = 20_000 * DAY_MS

    def __call__(self) -> int:
        return self.ms


class Home(ABC):
    """A place where calls are kept: opened again and again, one log at a time."""

    def __init__(self) -> None:
        self.clock = Clock()

    @abstractmethod
    async def open(self) -> EventLog:
        """The log with everything that earlier logs of this home kept; those are closed."""


def said(number: int, text: str = "my bill has doubled", call: CallKey = CALL) -> SegmentHeard:
    return SegmentHeard(
        call_id=call.call_id, segment_id=f"s{number}", rev=0, party="customer", text=text, start_ms=0, end_ms=900
    )


async def append(log: EventLog, call: CallKey, *happened: AnyEvent) -> list[Appended]:
    await log.open(call)
    appended = [log.append(call, event) for event in happened]
    await asyncio.gather(*(each.durable for each in appended))
    return appended


async def told(log: EventLog, call: CallKey, after: int = 0) -> list[Recorded]:
    return [recorded async for recorded in log.read(call, after)]


async def events_of(log: EventLog, call: CallKey) -> list[AnyEvent]:
    return [recorded.event for recorded in await told(log, call)]


class Contract(ABC):
    @staticmethod
    @abstractmethod
    def home_in(folder: Path) -> Home: ...

    @pytest.fixture
    def home(self, tmp_path: Path) -> Home:
        return self.home_in(tmp_path)

    # --- append and read

    async def test_events_are_read_in_the_order_in_which_they_were_appended(self, home: Home) -> None:
        log = await home.open()
        happened: list[AnyEvent] = [CallStarted(call_id="call-1"), *(said(number) for number in range(600))]
        home.clock.ms += 5
        appended = await append(log, CALL, *happened)
        assert [each.position for each in appended] == [Position(log.epoch, seq) for seq in range(1, 602)]
        assert all(each.fresh for each in appended)
        assert await told(log, CALL) == [
            Recorded(log.epoch, seq, home.clock.ms, event) for seq, event in enumerate(happened, 1)
        ]
        await log.close()

    async def test_an_event_is_kept_as_it_was(self, home: Home) -> None:
        log = await home.open()
        awkward = said(1, 'quote " backslash \\ newline \n nul \0 漢字 🙂 ' + "long " * 3000)
        await append(log, CALL, awkward)
        await log.close()
        log = await home.open()
        assert await events_of(log, CALL) == [awkward]
        await log.close()

    async def test_reading_starts_after_a_position(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, *(said(number) for number in range(5)))
        assert [recorded.seq for recorded in await told(log, CALL, after=3)] == [4, 5]
        assert await told(log, CALL, after=5) == []
        assert await told(log, CALL, after=50) == []
        await log.close()

    async def test_reading_ends_where_the_call_was_when_it_began(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0), said(1))
        seqs = []
        async for recorded in log.read(CALL):
            seqs.append(recorded.seq)
            log.append(CALL, said(100 + recorded.seq))
        assert seqs == [1, 2]
        assert len(await told(log, CALL)) == 4
        await log.close()

    async def test_reading_includes_what_is_not_yet_durable(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        for number in range(10):
            log.append(CALL, said(number))
        assert len(await told(log, CALL)) == 10
        await log.close()

    async def test_an_unknown_call_has_no_events(self, home: Home) -> None:
        log = await home.open()
        assert await log.open(CALL) == 0
        assert await told(log, CALL) == []
        assert await told(log, OTHER) == []
        assert await log.calls("acme") == []
        assert await log.live_calls() == []
        await log.close()

    async def test_an_event_of_the_same_key_is_kept_once(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0), said(1))
        again = log.append(CALL, said(0, "other words under the same key"))
        await again.durable
        assert (again.position, again.fresh) == (Position(log.epoch, 1), False)
        assert log.append(CALL, said(2)).position.seq == 3
        assert await events_of(log, CALL) == [said(0), said(1), said(2)]
        await log.close()

    async def test_an_event_is_found_by_its_key(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        assert log.find(CALL, said(0)) is None
        position = log.append(CALL, said(0)).position
        assert log.find(CALL, said(0, "other words under the same key")) == position
        assert log.find(CALL, said(1)) is None
        with pytest.raises(KeyError):
            log.find(OTHER, said(0))
        await log.close()
        log = await home.open()
        await log.open(CALL)
        assert log.find(CALL, said(0)) == position
        await log.close()

    async def test_a_repetition_is_durable_no_sooner_than_the_first(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        first, again = log.append(CALL, said(0)), log.append(CALL, said(0))
        await again.durable
        assert first.durable.done()
        await log.close()

    async def test_waiting_for_one_event_can_be_given_up_without_harm(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        first, second, again = log.append(CALL, said(0)), log.append(CALL, said(1)), log.append(CALL, said(0))
        first.durable.cancel()
        await second.durable
        await again.durable
        assert await events_of(log, CALL) == [said(0), said(1)]
        await log.close()

    async def test_appending_to_a_call_that_is_not_open_is_a_mistake(self, home: Home) -> None:
        log = await home.open()
        with pytest.raises(KeyError):
            log.append(CALL, said(0))
        await append(log, CALL, said(0))
        with pytest.raises(KeyError):
            log.append(NAMESAKE, said(0))
        await log.close()

    # --- opening and closing calls and logs

    async def test_a_closed_call_is_opened_where_it_was(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        for number in range(20):
            log.append(CALL, said(number))
        await log.close_call(CALL)
        with pytest.raises(KeyError):
            log.append(CALL, said(20))
        assert len(await told(log, CALL)) == 20
        assert await log.open(CALL) == 20
        assert not log.append(CALL, said(7)).fresh
        assert log.append(CALL, said(20)).position == Position(log.epoch, 21)
        await log.close_call(OTHER)
        await log.close()

    async def test_opening_an_open_call_changes_nothing(self, home: Home) -> None:
        log = await home.open()
        assert await asyncio.gather(*(log.open(CALL) for _ in range(5))) == [0] * 5
        await append(log, CALL, said(0))
        assert await log.open(CALL) == 1
        assert not log.append(CALL, said(0)).fresh
        await log.close()

    async def test_everything_is_there_when_the_log_is_opened_again(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0), said(1))
        await append(log, NAMESAKE, said(0, "another tenant's words"))
        await log.close()
        log = await home.open()
        assert await log.open(CALL) == 2
        assert await events_of(log, CALL) == [said(0), said(1)]
        assert await events_of(log, NAMESAKE) == [said(0, "another tenant's words")]
        await log.close()

    async def test_positions_are_unique_across_epochs(self, home: Home) -> None:
        log = await home.open()
        first = log.epoch
        positions = [each.position for each in await append(log, CALL, said(0), said(1))]
        await log.close()
        log = await home.open()
        assert log.epoch > first
        known, new = await append(log, CALL, said(1), said(2))
        assert (known.position, known.fresh) == (positions[1], False)
        assert (new.position, new.fresh) == (Position(log.epoch, 3), True)
        assert [recorded.epoch for recorded in await told(log, CALL)] == [first, first, log.epoch]
        await log.close()

    async def test_closing_writes_what_is_left(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        appended = [log.append(CALL, said(number)) for number in range(500)]
        await log.close()
        assert all(each.durable.done() and each.durable.exception() is None for each in appended)
        log = await home.open()
        assert await log.open(CALL) == 500
        await log.close()

    async def test_closing_twice_is_safe(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0))
        await asyncio.gather(log.close(), log.close())
        await log.close()

    async def test_a_closed_log_is_unavailable(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0))
        await log.close()
        with pytest.raises(LogUnavailable):
            log.append(CALL, said(1))
        with pytest.raises(LogUnavailable):
            log.find(CALL, said(0))
        with pytest.raises(LogUnavailable):
            await log.open(CALL)
        with pytest.raises(LogUnavailable):
            await told(log, CALL)
        with pytest.raises(LogUnavailable):
            await log.live_calls()
        with pytest.raises(LogUnavailable):
            await log.calls("acme")
        with pytest.raises(LogUnavailable):
            await log.calls_of("acme", "account 7", 1)
        with pytest.raises(LogUnavailable):
            await log.close_call(CALL)
        with pytest.raises(LogUnavailable):
            await log.erase(CALL)
        with pytest.raises(LogUnavailable):
            await log.expire(home.clock.ms)

    # --- following

    async def test_a_follower_has_each_event_once_in_order_and_before_it_is_durable(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0))
        await log.open(NAMESAKE)
        heard: list[tuple[CallKey, Recorded]] = []
        everything: list[tuple[CallKey, Recorded]] = []
        log.follow(CALL, lambda call, recorded: heard.append((call, recorded)))
        log.follow(None, lambda call, recorded: everything.append((call, recorded)))
        log.append(CALL, said(1))
        log.append(CALL, said(0))
        log.append(NAMESAKE, said(0))
        log.append(CALL, said(2))
        assert [(call, recorded.seq, recorded.event) for call, recorded in heard] == [
            (CALL, 2, said(1)),
            (CALL, 3, said(2)),
        ]
        assert [(call, recorded.seq) for call, recorded in everything] == [(CALL, 2), (NAMESAKE, 1), (CALL, 3)]
        assert [recorded for _, recorded in heard] == await told(log, CALL, after=1)
        await log.close()

    async def test_who_stops_following_hears_no_more(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        heard: list[int] = []
        stop = log.follow(CALL, lambda _, recorded: heard.append(recorded.seq))
        log.append(CALL, said(0))
        stop()
        stop()
        log.append(CALL, said(1))
        assert heard == [1]
        await log.close()

    async def test_a_follower_that_raises_is_dropped_without_harm(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        heard: list[int] = []

        def stumble(_: CallKey, recorded: Recorded) -> None:
            raise ValueError(f"cannot take {recorded.event}")

        log.follow(CALL, stumble)
        log.follow(CALL, lambda _, recorded: heard.append(recorded.seq))
        with structlog.testing.capture_logs() as logged:
            await asyncio.gather(*(log.append(CALL, said(number)).durable for number in range(3)))
        assert heard == [1, 2, 3]
        assert len(logged) == 1
        assert "doubled" not in str(logged), "what was said must not reach the logs"
        await log.close()

    async def test_an_event_appended_by_a_follower_is_heard_after_its_cause(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        heard: list[int] = []

        def score(call: CallKey, recorded: Recorded) -> None:
            if isinstance(recorded.event, SegmentHeard):
                log.append(call, UtteranceRead(call_id="call-1", utterance="u", meanings="m", scores={"m": 0.5}))

        log.follow(CALL, score)
        log.follow(CALL, lambda _, recorded: heard.append(recorded.seq))
        log.append(CALL, said(0))
        assert heard == [1, 2]
        assert len(await told(log, CALL)) == 2
        await log.close()

    async def test_following_begun_and_ended_by_a_follower_takes_effect_with_the_next_event(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        heard: list[tuple[str, int]] = []
        stops: list[Callable[[], None]] = []

        def first(_: CallKey, recorded: Recorded) -> None:
            if recorded.seq == 1:
                log.follow(CALL, lambda _, recorded: heard.append(("late", recorded.seq)))
            else:
                stops[0]()

        log.follow(CALL, first)
        stops.append(log.follow(CALL, lambda _, recorded: heard.append(("second", recorded.seq))))
        log.append(CALL, said(0))
        log.append(CALL, said(1))
        assert heard == [("second", 1), ("late", 2)]
        await log.close()

    # --- listing

    async def test_live_calls_have_begun_and_not_ended(self, home: Home) -> None:
        log = await home.open()
        await append(log, OTHER, CallStarted(call_id="call-2"))
        await append(log, CALL, CallStarted(call_id="call-1"), said(0))
        await append(log, NAMESAKE, CallStarted(call_id="call-1"))
        await log.open(CallKey("acme", "opened-only"))
        assert await log.live_calls() == [OTHER, CALL, NAMESAKE]
        late = UtteranceRead(call_id="call-1", utterance="u", meanings="m", scores={"m": 0.5})
        await append(log, CALL, CallEnded(call_id="call-1", at_ms=1000), late)
        assert await log.live_calls() == [OTHER, NAMESAKE]
        await log.close()
        log = await home.open()
        assert await log.live_calls() == [OTHER, NAMESAKE]
        await log.close()

    async def test_a_call_may_begin_and_end_with_one_event(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, CallEnded(call_id="call-1", at_ms=0))
        assert await log.live_calls() == []
        assert await log.calls("acme") == ["call-1"]
        await log.close()

    async def test_calls_are_listed_oldest_first_and_each_tenant_sees_its_own(self, home: Home) -> None:
        log = await home.open()
        await append(log, OTHER, said(0))
        await append(log, CALL, said(0))
        await append(log, NAMESAKE, said(0, "another tenant's words"))
        assert await log.calls("acme") == ["call-2", "call-1"]
        assert await log.calls("globex") == ["call-1"]
        assert await log.calls("nobody") == []
        at = home.clock.ms
        assert await log.begun("acme", 9) == [(at, "call-2"), (at, "call-1")]
        assert await log.begun("acme", 1) == [(at, "call-1")]
        assert await log.begun("nobody", 1) == []
        assert await events_of(log, NAMESAKE) == [said(0, "another tenant's words")]
        assert await log.erase(CALL) == 1
        assert await log.calls("globex") == ["call-1"]
        await log.close()

    # --- erasing and expiring

    async def test_calls_of_a_customer_are_listed_newest_first(self, home: Home) -> None:
        log = await home.open()

        async def begin(call: CallKey, customer: str) -> None:
            await append(log, call, CallStarted(call_id=call.call_id, customer=customer), said(0))

        for number in range(5):
            await begin(CallKey("acme", f"mine-{number}"), "account 7")
            await begin(CallKey("acme", f"other-{number}"), f"account {number}7")
            await begin(CallKey("globex", f"mine-{number}"), "account 7")
            await begin(CallKey("acme", f"nobody-{number}"), "")
        newest_first = [f"mine-{number}" for number in (4, 3, 2, 1, 0)]
        assert await log.calls_of("acme", "account 7", 100) == newest_first
        assert await log.calls_of("acme", "account 7", 2) == newest_first[:2]
        assert await log.calls_of("acme", "account 7", 0) == []
        assert await log.calls_of("acme", "Account 7", 9) == []
        assert await log.calls_of("acme", "", 9) == []
        assert await log.calls_of("nobody", "account 7", 9) == []
        await log.erase(CallKey("acme", "mine-3"))
        await log.close()
        log = await home.open()
        assert await log.calls_of("acme", "account 7", 9) == ["mine-4", "mine-2", "mine-1", "mine-0"]
        # One that comes late to a call that is gone is another call.
        await begin(CallKey("acme", "mine-3"), "account 7")
        assert await log.calls_of("acme", "account 7", 2) == ["mine-3", "mine-4"]
        home.clock.ms += DAY_MS
        await begin(CallKey("acme", "mine-9"), "account 7")
        await log.expire(home.clock.ms)
        assert await log.calls_of("acme", "account 7", 9) == ["mine-9"]
        assert await log.calls_of("globex", "account 7", 9) == []
        await log.close()

    async def test_calls_of_a_customer_include_what_is_not_yet_durable(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        log.append(CALL, CallStarted(call_id="call-1", customer="account 7"))
        assert await log.calls_of("acme", "account 7", 9) == ["call-1"]
        await log.close()

    async def test_an_erased_call_is_gone_and_the_others_are_as_they_were(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, *(said(number) for number in range(300)))
        await append(log, OTHER, *(said(number, "stays") for number in range(300)))
        await append(log, NAMESAKE, said(0, "stays"))
        before = await told(log, OTHER), await told(log, NAMESAKE)
        await log.close_call(CALL)
        assert await log.erase(CALL) == 300
        assert await log.erase(CALL) == 0
        assert await told(log, CALL) == []
        assert await log.calls("acme") == ["call-2"]
        assert await log.live_calls() == [OTHER, NAMESAKE]
        assert (await told(log, OTHER), await told(log, NAMESAKE)) == before
        assert log.append(OTHER, said(300, "stays")).position.seq == 301
        await log.close()
        log = await home.open()
        assert await told(log, CALL) == []
        assert (await told(log, OTHER))[:300] == before[0]
        assert await log.open(CALL) == 0
        await log.close()

    async def test_an_open_call_can_be_erased_and_begun_anew(self, home: Home) -> None:
        log = await home.open()
        await log.open(CALL)
        for number in range(10):
            log.append(CALL, said(number))
        assert await log.erase(CALL) == 10
        with pytest.raises(KeyError):
            log.append(CALL, said(0))
        assert await log.open(CALL) == 0
        anew = log.append(CALL, said(0))
        assert (anew.position.seq, anew.fresh) == (1, True)
        assert await events_of(log, CALL) == [said(0)]
        await log.close()
        log = await home.open()
        assert await events_of(log, CALL) == [said(0)]
        await log.close()

    async def test_a_call_opened_while_it_is_being_erased_is_new(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, said(0), said(1))
        removed, seq = await asyncio.gather(log.erase(CALL), log.open(CALL))
        assert (removed, seq) == (2, 0)
        await append(log, CALL, said(0))
        assert await events_of(log, CALL) == [said(0)]
        await log.close()

    async def test_reading_stops_where_the_call_is_erased(self, home: Home) -> None:
        log = await home.open()
        await append(log, CALL, *(said(number) for number in range(2000)))
        count = 0
        async for _ in log.read(CALL):
            count += 1
            if count == 1:
                await log.erase(CALL)
        assert count < 2000
        await log.close()

    async def test_calls_expire_by_their_last_event(self, home: Home) -> None:
        log = await home.open()
        begun = home.clock.ms
        await append(log, CALL, said(0))
        await append(log, OTHER, said(0))
        await log.close_call(OTHER)
        home.clock.ms = begun + 3 * DAY_MS
        await append(log, NAMESAKE, said(0))
        await append(log, CALL, said(1))
        assert await log.expire(begun) == 0
        assert await log.expire(begun + 1) == 1
        assert await log.live_calls() == [CALL, NAMESAKE]
        assert await log.expire(home.clock.ms) == 0
        assert await log.expire(home.clock.ms + 1) == 2
        assert await log.live_calls() == []
        with pytest.raises(KeyError):
            log.append(CALL, said(2))
        assert await log.open(CALL) == 0
        await log.close()

    async def test_many_calls_expire_and_later_ones_take_their_place(self, home: Home) -> None:
        log = await home.open()
        calls = [CallKey("acme", f"old-{number}") for number in range(100)]
        for call in calls:
            await log.open(call)
            for number in range(60):
                log.append(call, said(number))
        home.clock.ms += 2 * DAY_MS
        await append(log, CALL, said(0))
        assert await log.expire(home.clock.ms) == 100
        assert await log.live_calls() == [CALL]
        await append(log, calls[0], said(0))
        assert await log.calls("acme") == ["call-1", "old-0"]
        await log.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), st.integers(0, 8)),
        st.tuples(st.sampled_from(["close_call", "erase"]), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
    ),
    max_size=40,
)


async def check_against_a_dictionary(home_in: Callable[[Path], Home], steps: list[tuple[str, int, int]]) -> None:
    """Whatever is appended (again), closed, erased and opened again, in any order: the log holds what a dict holds."""
    names = [CALL, OTHER, NAMESAKE]
    model: dict[CallKey, dict[str, tuple[Position, AnyEvent]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = home_in(Path(folder))
        log = await home.open()
        for count, (step, which, number) in enumerate(steps):
            call = names[which]
            match step:
                case "append":
                    kept = model.setdefault(call, {})
                    assert await log.open(call) == len(kept)
                    event = said(number, f"words {count}")
                    position = Position(log.epoch, len(kept) + 1)
                    fresh = events.key(event) not in kept
                    kept.setdefault(events.key(event), (position, event))
                    appended = log.append(call, event)
                    assert (appended.position, appended.fresh) == (kept[events.key(event)][0], fresh)
                case "close_call":
                    await log.close_call(call)
                case "erase":
                    assert await log.erase(call) == len(model.pop(call, {}))
                case _:
                    await log.close()
                    log = await home.open()
        for call in names:
            kept = model.get(call, {})
            assert [(Position(each.epoch, each.seq), each.event) for each in await told(log, call)] == list(
                kept.values()
            )
        assert await log.live_calls() == list(model)
        await log.close()
        log = await home.open()
        assert {call: await events_of(log, call) for call in names} == {
            call: [event for _, event in model.get(call, {}).values()] for call in names
        }
        await log.close()
