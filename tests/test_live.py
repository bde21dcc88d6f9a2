"""Live calls: appended, folded, told; found again after a restart; woken when silence matters."""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from calls import CALL, CONTRACT, DOUBLED, OF_WORDS, SOURCE, call, interims, lives, playbook, rule, say, segment
from calls import withheld as reasons

from rtig.core import engine
from rtig.core.call import Call
from rtig.core.conditions import NotSaid, Silence
from rtig.core.events import AnyEvent, CallEnded, CallStarted, CardMissed, ClockTicked, SegmentHeard
from rtig.core.guidance import CallInfo, Card, Checklist, Guidance, Line
from rtig.core.playbook import Playbook
from rtig.core.triggers import StepSource
from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import Appended, CallKey, Position
from rtig.live import TRIES_BESIDE, LiveCalls, Update

KEY = CallKey("default", CALL)
PLAYBOOK = playbook()
TALK = [
    say("agent", 0, "thanks for calling this call is recorded"),
    say("customer", 4_000, "hello my bill has doubled"),
    say("agent", 7_000, "i see"),
    say("customer", 14_000, "cancel my contract please"),
]


@pytest.fixture
async def log() -> AsyncIterator[MemoryLog]:
    opened = MemoryLog()
    yield opened
    await opened.close()


async def live_calls(log: MemoryLog) -> LiveCalls:
    calls = LiveCalls(log, PLAYBOOK)
    await calls.open(KEY)
    return calls


def without_times(updates: list[Update] | tuple[Update, ...]) -> bytes:
    return msgspec.json.encode([(u.position, u.items) for u in updates if u.items])


async def test_listeners_have_the_guidance_before_accept_returns(log: MemoryLog) -> None:
    calls = await live_calls(log)
    heard: list[Update] = []
    everywhere: list[Update] = []
    calls.listen(KEY, heard.append)
    of_all: list[Update] = []
    calls.listen_tenant("default", everywhere.append)
    unlisten = calls.listen_everywhere(of_all.append)
    for event in call(TALK):
        appended = calls.accept(KEY, event)
        assert heard[-1].position == appended.position
    assert heard == everywhere == of_all
    unlisten()
    assert [item.id for u in heard for item in u.items if isinstance(item, Card)] == [
        "bill.1",
        "cancel-any.1",
        "cancel.1",
    ]
    calls.close()


async def test_live_and_replayed_guidance_are_the_same_bytes(log: MemoryLog) -> None:
    calls = await live_calls(log)
    heard: list[Update] = []
    calls.listen(KEY, heard.append)
    for event in [*call(TALK), ClockTicked(call_id=CALL, at_ms=40_000)]:
        calls.accept(KEY, event)
    calls.close()
    events = [record.event async for record in log.read(KEY)]
    replayed = [item for folded in engine.replay(PLAYBOOK, CALL, events) for item in folded.guidance]
    assert msgspec.json.encode(replayed) == msgspec.json.encode([item for u in heard for item in u.items])


async def test_an_event_that_comes_again_is_acknowledged_and_changes_nothing(log: MemoryLog) -> None:
    calls = await live_calls(log)
    events = call(TALK)
    first = [calls.accept(KEY, event).position for event in events]
    heard: list[Update] = []
    calls.listen(KEY, heard.append)
    again = [calls.accept(KEY, event) for event in events]
    assert [appended.position for appended in again] == first
    assert not any(appended.fresh for appended in again)
    assert heard == []
    calls.close()


@pytest.mark.parametrize(
    ("before", "event", "code"),
    [
        ([], segment("s", TALK[0]), Code.UNKNOWN_CALL),
        (call(TALK, end_ms=30_000), segment("late", TALK[0]), Code.CALL_ENDED),
        (
            call([]),
            SegmentHeard(call_id=CALL, segment_id="s", rev=1, text="x", start_ms=2, end_ms=1),
            Code.BAD_TIME,
        ),
    ],
)
async def test_what_cannot_be_taken_is_refused_with_a_code(
    log: MemoryLog, before: list[SegmentHeard], event: SegmentHeard, code: Code
) -> None:
    calls = await live_calls(log)
    for earlier in before:
        calls.accept(KEY, earlier)
    with pytest.raises(MessageRefused) as refused:
        calls.accept(KEY, event)
    assert refused.value.code == code
    calls.close()


async def test_a_call_holds_a_bounded_number_of_segments(log: MemoryLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.live.SEGMENTS_PER_CALL", 2)
    calls = await live_calls(log)
    for event in call(TALK[:2]):
        calls.accept(KEY, event)
    with pytest.raises(MessageRefused) as refused:
        calls.accept(KEY, segment("one-more", TALK[2]))
    assert refused.value.code == Code.CALL_FULL
    assert calls.accept(KEY, segment("s1", TALK[1], rev=2)).fresh
    calls.close()


async def test_after_a_restart_the_call_is_where_it_was(log: MemoryLog) -> None:
    calls = await live_calls(log)
    events = call(TALK)
    for event in events:
        calls.accept(KEY, event)
    before = calls.past(KEY, None)
    calls.close()
    await log.close()

    reopened = log.reopen()
    again = LiveCalls(reopened, PLAYBOOK)
    assert await again.recover() == 1
    after = again.past(KEY, None)
    assert without_times(after.updates) == without_times(before.updates)
    assert again.call(KEY) == calls.call(KEY)
    assert again.clock(KEY) >= 15_200
    again.close()
    await reopened.close()


async def test_a_watcher_gets_the_rest_from_its_position(log: MemoryLog) -> None:
    calls = await live_calls(log)
    updates: list[Update] = []
    calls.listen(KEY, updates.append)
    for event in call(TALK):
        calls.accept(KEY, event)
    seen = updates[1].position
    past = calls.past(KEY, seen)
    assert not past.start_over
    assert [u.position for u in past.updates] == [u.position for u in updates if u.position.seq > seen.seq]
    assert past.position == updates[-1].position
    calls.close()


async def test_a_position_that_was_lost_in_a_crash_starts_over(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK[:1]):
        calls.accept(KEY, event)
    calls.close()
    await log.close()
    reopened = log.reopen()
    again = LiveCalls(reopened, PLAYBOOK)
    await again.recover()
    again.accept(KEY, segment("s1", TALK[1]))
    # Epoch 1 had got as far as seq 3 on the watcher's screen, but only 2 were durable: seq 3 is another event now.
    assert again.past(KEY, Position(1, 2)).start_over is False
    assert again.past(KEY, Position(1, 3)).start_over is True
    assert again.past(KEY, Position(2, 3)).start_over is False
    assert again.past(KEY, Position(2, 99)).start_over is True
    again.close()
    await reopened.close()


async def test_the_past_leaves_out_interim_text_that_was_replaced(log: MemoryLog) -> None:
    calls = await live_calls(log)
    calls.accept(KEY, CallStarted(call_id=CALL))
    talk = TALK[1]
    for rev in range(1, 5):
        calls.accept(KEY, segment("s1", talk.piece(0, rev), rev, final=False))
    lines = [item for u in calls.past(KEY, None).updates for item in u.items if isinstance(item, Line)]
    assert [line.rev for line in lines][-1] == 4
    assert len(lines) < 4
    calls.accept(KEY, segment("s1", talk, 9))
    lines = [item for u in calls.past(KEY, None).updates for item in u.items if isinstance(item, Line)]
    assert lines[-1].final
    calls.close()


async def test_silence_wakes_the_call(log: MemoryLog) -> None:
    quick = playbook(msgspec.structs.replace(SOURCE, rules=(rule("hush", Silence(60)),)))
    calls = LiveCalls(log, quick)
    await calls.open(KEY)
    told = asyncio.Event()
    heard: list[Update] = []

    def listen(update: Update) -> None:
        heard.append(update)
        if any(isinstance(item, Card) for item in update.items):
            told.set()

    calls.listen(KEY, listen)
    calls.accept(KEY, CallStarted(call_id=CALL))
    calls.accept(KEY, segment("s", say("agent", 0, "hello")))
    await told.wait()
    assert [item.id for item in heard[-1].items if isinstance(item, Card)] == ["hush.1"]
    records = [record.event async for record in log.read(KEY)]
    assert records[-1] == ClockTicked(call_id=CALL, at_ms=360)
    calls.close()


async def test_a_changed_playbook_reaches_live_calls_through_their_log(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK[:2]):
        calls.accept(KEY, event)
    changed = playbook(msgspec.structs.replace(SOURCE, name="changed"))
    await calls.change_playbook(changed)
    records = [record.event async for record in log.read(KEY)]
    assert getattr(records[-1], "version", None) == changed.version
    assert len(records) == 4
    await calls.change_playbook(changed)
    assert len([record async for record in log.read(KEY)]) == 4
    calls.close()


async def test_a_call_that_is_over_is_let_go_and_comes_back(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK):
        calls.accept(KEY, event)
    await calls.release(KEY)
    assert calls.has(KEY)
    assert list(calls.live("default")) == [KEY]
    calls.accept(KEY, CallEnded(call_id=CALL, at_ms=30_000))
    assert list(calls.live("default")) == []
    unlisten = calls.listen(KEY, lambda update: None)
    await calls.release(KEY)
    assert calls.has(KEY)
    unlisten()
    past = calls.past(KEY, None)
    await calls.release(KEY)
    assert not calls.has(KEY)
    await calls.open(KEY)
    assert without_times(calls.past(KEY, None).updates) == without_times(past.updates)
    calls.close()


async def test_an_erased_call_is_gone(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK):
        calls.accept(KEY, event)
    assert await calls.erase(KEY) == 5
    assert not calls.has(KEY)
    assert [record async for record in log.read(KEY)] == []
    calls.close()


async def test_a_call_whose_log_refuses_keeps_its_playbook(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK[:2]):
        calls.accept(KEY, event)
    before = calls.call(KEY)
    await log.close()
    await calls.change_playbook(playbook(msgspec.structs.replace(SOURCE, name="changed")))
    assert calls.call(KEY) == before
    assert calls.row(KEY).cards == 1
    calls.close()


async def test_a_call_past_its_retention_goes_from_memory_and_log(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK):
        calls.accept(KEY, event)
    assert await calls.expire(before=1) == 0
    assert await calls.expire(before=2**53) == 1
    assert not calls.has(KEY)
    assert await log.calls("default") == []
    calls.close()


async def test_a_call_that_was_given_up_is_ended_as_abandoned(log: MemoryLog) -> None:
    calls = await live_calls(log)
    for event in call(TALK):
        calls.accept(KEY, event)
    assert await calls.abandon(before=1) == 0
    assert await calls.abandon(before=2**53) == 1
    assert list(calls.live("default")) == []
    records = [record.event async for record in log.read(KEY)]
    assert records[-1] == CallEnded(call_id=CALL, at_ms=15_200, reason="abandoned")
    calls.close()


# --- cards that are late


ALWAYS, NEVER = 0, 1
"""Budgets in nanoseconds: within the one every card is in time, within the other none is."""


class Screen:
    """Somebody who watches the one call of a server whose budget may be changed."""

    def __init__(self, calls: LiveCalls) -> None:
        self.calls = calls
        self.items: list[Guidance] = []
        calls.listen(KEY, lambda update: self.items.extend(update.items))

    def hear(self, budget_ns: int, *events: AnyEvent) -> list[Guidance]:
        self.calls.budget_ns = budget_ns
        before = len(self.items)
        for event in events:
            self.calls.accept(KEY, event, received_ns=time.perf_counter_ns())
        return self.items[before:]


async def watched(log: MemoryLog, followed: Playbook = OF_WORDS) -> Screen:
    calls = LiveCalls(log, followed)
    await calls.open(KEY)
    screen = Screen(calls)
    screen.hear(ALWAYS, CallStarted(call_id=CALL, queue="billing"))
    return screen


async def logged(log: MemoryLog) -> list[AnyEvent]:
    return [record.event async for record in log.read(KEY)]


async def past_of(calls: LiveCalls) -> list[Guidance]:
    return [item for update in calls.past(KEY, None).updates for item in update.items]


async def test_a_card_that_is_late_is_not_told_and_the_log_says_so(log: MemoryLog) -> None:
    screen = await watched(log)
    items = screen.hear(NEVER, segment("a", DOUBLED))
    assert [item for item in items if isinstance(item, Line)]
    assert (lives(items), reasons(items)) == ([], [("bill", "late")])
    assert (await logged(log))[-1] == CardMissed(call_id=CALL, card_id="bill.1")
    # Said again it comes: nobody has seen it, so it holds no cooldown.
    again = segment("b", say("customer", 9_000, "my bill has doubled"))
    assert lives(screen.hear(ALWAYS, again)) == [("bill.2", "confirmed", "")]
    screen.calls.close()


async def test_whoever_comes_later_or_after_a_restart_is_told_what_the_others_were(log: MemoryLog) -> None:
    screen = await watched(log)
    screen.hear(ALWAYS, segment("a", CONTRACT))
    screen.hear(NEVER, *interims("b", say("customer", 20_000, "my bill has doubled")))
    assert lives(await past_of(screen.calls)) == lives(screen.items) == [("cancel.1", "confirmed", "")]
    past = without_times(screen.calls.past(KEY, None).updates)
    screen.calls.close()
    again = LiveCalls(log, OF_WORDS)
    await again.open(KEY)
    assert without_times(again.past(KEY, None).updates) == past
    final = segment("b", say("customer", 20_000, "my bill has doubled"), 3)
    other = Screen(again)
    assert lives(other.hear(ALWAYS, final)) == [("bill.1", "confirmed", "")]
    again.close()


async def test_the_same_log_gives_the_same_call_whoever_folds_it(log: MemoryLog) -> None:
    screen = await watched(log)
    for number, spoken in enumerate(TALK):
        screen.hear(number % 2, segment(f"s{number}", spoken))
    *_, last = engine.replay(OF_WORDS, CALL, await logged(log))
    assert last.call == screen.calls.call(KEY)
    screen.calls.close()


async def test_a_card_that_was_seen_early_is_confirmed_however_late(log: MemoryLog) -> None:
    screen = await watched(log)
    assert lives(screen.hear(ALWAYS, *interims("a", DOUBLED))) == [("bill.1", "provisional", "")]
    assert lives(screen.hear(NEVER, segment("a", DOUBLED, 5))) == [("bill.1", "confirmed", "")]
    assert not [event for event in await logged(log) if isinstance(event, CardMissed)]
    screen.calls.close()


async def test_a_card_that_was_late_early_and_is_late_again_is_missed_for_good(log: MemoryLog) -> None:
    screen = await watched(log)
    items = screen.hear(NEVER, *interims("a", DOUBLED), segment("a", DOUBLED, 5))
    assert (lives(items), reasons(items)) == ([], [("bill", "late"), ("bill", "late")])
    missed = [event.early for event in await logged(log) if isinstance(event, CardMissed)]
    assert missed == [True, False]
    screen.calls.close()


async def test_another_rule_has_its_turn_where_a_card_was_late(log: MemoryLog) -> None:
    screen = await watched(log)
    both = segment("a", say("customer", 1_000, "cancel my contract my bill has doubled"))
    screen.calls.budget_ns = 1_000_000_000
    screen.calls.accept(KEY, both, received_ns=time.perf_counter_ns() - 2_000_000_000)
    assert lives(screen.items) == [("bill.1", "confirmed", "")]
    assert reasons(screen.items) == [("cancel", "late")]
    screen.calls.close()


async def test_what_must_be_said_is_told_however_late(log: MemoryLog) -> None:
    must = rule("recorded", NotSaid(("call is recorded",), within_ms=10_000), exempt=True, priority=95)
    bill = next(one for one in SOURCE.rules if one.id == "bill")
    screen = await watched(log, playbook(msgspec.structs.replace(SOURCE, rules=(must, bill))))
    hello = segment("z", say("agent", 0, "hello there"))
    assert lives(screen.hear(NEVER, hello, ClockTicked(call_id=CALL, at_ms=12_000))) == [
        ("recorded.1", "confirmed", "")
    ]
    screen.hear(NEVER, CallEnded(call_id=CALL, at_ms=15_000))
    assert not [event for event in await logged(log) if isinstance(event, CardMissed)]
    screen.calls.close()


async def test_the_steps_of_a_late_card_are_not_told_either(log: MemoryLog) -> None:
    steps = (StepSource("one", "One", ("thanks for calling",)),)
    bill = next(one for one in SOURCE.rules if one.id == "bill")
    with_steps = msgspec.structs.replace(bill, kind="article", steps=steps)
    screen = await watched(log, playbook(msgspec.structs.replace(SOURCE, rules=(with_steps,), checklists=())))
    assert not [i for i in screen.hear(NEVER, segment("a", DOUBLED)) if isinstance(i, Checklist)]
    again = segment("b", say("customer", 9_000, "my bill has doubled"))
    assert [i.id for i in screen.hear(ALWAYS, again) if isinstance(i, Checklist)] == ["bill.2"]
    screen.calls.close()


async def test_a_tick_is_late_by_its_timer(log: MemoryLog) -> None:
    quiet = playbook(msgspec.structs.replace(SOURCE, rules=(rule("hush", Silence(8_000)),)))
    screen = await watched(log, quiet)
    screen.hear(ALWAYS, segment("a", say("agent", 0, "hello")))
    tick = ClockTicked(call_id=CALL, at_ms=9_000)
    screen.calls.budget_ns = 1_000_000_000
    screen.calls.accept(KEY, tick, due_ns=time.perf_counter_ns() - 2_000_000_000)
    assert (lives(screen.items), reasons(screen.items)) == ([], [("hush", "late")])
    screen.calls.close()


async def test_a_late_card_that_the_log_cannot_take_is_not_told_all_the_same(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = await watched(log)
    append = log.append

    def behind(key: CallKey, event: AnyEvent) -> Appended:
        if isinstance(event, CardMissed):
            raise LogUnavailable("The event log is behind its disk.")
        return append(key, event)

    monkeypatch.setattr(log, "append", behind)
    assert lives(screen.hear(NEVER, segment("a", DOUBLED))) == []
    assert [event for event in await logged(log) if isinstance(event, SegmentHeard)]
    screen.calls.close()


# --- what is done to all calls


async def test_calls_that_go_on_are_found_by_tenant_and_agent_newest_first(log: MemoryLog) -> None:
    calls = LiveCalls(log, OF_WORDS)
    keys = [CallKey("default", f"c{number}") for number in range(4)]
    for key in keys:
        await calls.open(key)
        calls.accept(key, CallStarted(call_id=key.call_id, agent="ann" if key.call_id < "c2" else "bob"))
    await calls.open(CallKey("other", "c9"))
    assert list(calls.live("default")) == keys[::-1]
    assert list(calls.live("default", "ann")) == keys[1::-1]
    assert (calls.count(), calls.count("default"), calls.count("other")) == (4, 4, 0)
    calls.accept(keys[0], CallEnded(call_id="c0", at_ms=1))
    await calls.erase(keys[1])
    assert list(calls.live("default", "ann")) == []
    assert calls.count() == 2
    calls.close()
    again = LiveCalls(log, OF_WORDS)
    assert await again.recover() == 2
    assert sorted(again.live("default", "bob")) == keys[2:]
    again.close()


async def restarted(log: MemoryLog, count: int) -> tuple[LiveCalls, list[CallKey]]:
    """Calls that were going on when the log was last closed, oldest first; none of them is in memory."""
    calls = LiveCalls(log, OF_WORDS)
    keys = [CallKey("default", f"c{number:02}") for number in range(count)]
    for key in keys:
        await calls.open(key)
        calls.accept(key, CallStarted(call_id=key.call_id, agent="ann"))
        calls.accept(key, segment("a", TALK[1]))
    calls.close()
    return LiveCalls(log, OF_WORDS), keys


async def test_a_call_that_somebody_asks_for_does_not_wait_until_all_are_folded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rtig.live.TURN_SECONDS", 0.0)
    calls, keys = await restarted(MemoryLog(itertools.count(1).__next__), 20)
    told: list[Update] = []
    calls.listen_tenant("default", told.append)
    recovering = asyncio.create_task(calls.recover())
    await calls.open(keys[-1])
    assert calls.call(keys[-1]).transcript.size == 1
    assert next(calls.live("default")) == keys[-1]
    assert not calls.has(keys[-2])
    assert await recovering == 20
    assert [*calls.live("default", "ann")] == keys[::-1]
    assert {update.key for update in told} == set(keys)
    assert [type(item) for update in told for item in update.items] == [CallInfo] * 20
    calls.close()


async def test_a_call_that_is_asked_for_while_it_is_folded_in_no_haste_is_hastened(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtig.live.TURN_SECONDS", 0.0)
    calls, (key,) = await restarted(log, 1)
    rests: list[bool] = []
    opening: list[asyncio.Task[None]] = []
    sleep = asyncio.sleep

    async def rested(seconds: float) -> None:
        rests.append(seconds > 0)
        if not opening:
            opening.append(asyncio.create_task(calls.open(key)))
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", rested)
    assert await calls.recover() == 1
    await opening[0]
    assert rests == [True, False]
    calls.close()


async def test_a_call_that_ends_or_is_erased_before_its_turn_is_not_kept(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtig.live.TURN_SECONDS", 0.0)
    calls, (first, ended, erased) = await restarted(log, 3)
    recovering = asyncio.create_task(calls.recover())
    await calls.open(ended)
    assert not calls.has(erased)
    calls.accept(ended, CallEnded(call_id=ended.call_id, at_ms=20_000))
    await calls.release(ended)
    await calls.erase(erased)
    await recovering
    assert [calls.has(key) for key in (first, ended, erased)] == [True, False, False]
    calls.close()


async def test_those_who_ask_for_calls_are_served_one_after_the_other(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtig.live.TURN_SECONDS", 0.0)
    calls, keys = await restarted(log, 3)
    opening = [asyncio.create_task(calls.open(key)) for key in keys]
    for number, key in enumerate(keys):
        await opening[number]
        assert [other for other in keys if calls.has(other)] == keys[: number + 1], key
    calls.close()


async def test_a_playbook_that_comes_while_a_call_is_folded_again_is_used_in_it(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rtig.live.TURN_SECONDS", 0.0)
    calls, keys = await restarted(log, 1)
    begun = asyncio.Event()
    step = engine.step

    def noted(followed: Playbook, state: Call, seq: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
        begun.set()
        return step(followed, state, seq, event)

    monkeypatch.setattr(engine, "step", noted)
    recovering = asyncio.create_task(calls.recover())
    await begun.wait()
    assert not calls.has(keys[0])
    await calls.change_playbook(PLAYBOOK)
    assert await recovering == 1
    assert calls.call(keys[0]).told.playbook == PLAYBOOK.version
    calls.close()


async def test_a_playbook_is_tried_beside_the_loop_and_again_where_the_call_goes_on(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = await watched(log)
    screen.hear(ALWAYS, segment("a", CONTRACT))
    folded: list[tuple[str, bool]] = []
    step = engine.step

    def noted(followed: Playbook, state: Call, seq: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
        beside = threading.current_thread() is not threading.main_thread()
        folded.append((type(event).__name__, beside))
        if len(folded) == 1:  # words come while the call is heard again
            words = segment("b", say("customer", 20_000, "my bill has doubled"))
            loop.call_soon_threadsafe(screen.hear, ALWAYS, words)
        return step(followed, state, seq, event)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(engine, "step", noted)
    changed = playbook(msgspec.structs.replace(SOURCE, name="changed"))
    await screen.calls.change_playbook(changed)
    assert folded == [("PlaybookChanged", True), ("SegmentHeard", False), ("PlaybookChanged", True)]
    events = await logged(log)
    assert [type(event).__name__ for event in events][-2:] == ["SegmentHeard", "PlaybookChanged"]
    state = step(OF_WORDS, engine.begin(CALL), 1, events[0])[0]
    for seq, event in enumerate(events[1:], 2):
        state = step(changed if event is events[-1] else OF_WORDS, state, seq, event)[0]
    assert state == screen.calls.call(KEY)
    screen.calls.close()


async def test_a_call_that_never_waits_is_heard_again_in_the_loop(
    log: MemoryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = await watched(log)
    number, step = 0, engine.step
    loop = asyncio.get_running_loop()

    def noted(followed: Playbook, state: Call, seq: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
        nonlocal number
        if threading.current_thread() is not threading.main_thread():
            number += 1
            loop.call_soon_threadsafe(screen.hear, ALWAYS, segment(f"n{number}", say("agent", 5_000 * number, "well")))
        return step(followed, state, seq, event)

    monkeypatch.setattr(engine, "step", noted)
    changed = playbook(msgspec.structs.replace(SOURCE, name="changed"))
    await screen.calls.change_playbook(changed)
    assert number == TRIES_BESIDE
    assert [type(event).__name__ for event in await logged(log)][-1] == "PlaybookChanged"
    assert screen.calls.row(KEY).call_id == CALL
    screen.calls.close()
