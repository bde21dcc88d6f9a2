"""Acknowledgements that are owed: settled once for all that became durable together."""

import asyncio

from rtig.errors import Code, LogUnavailable, MessageRefused
from rtig.eventlog.port import Position
from rtig.gateway.acks import Acks


class Source:
    def __init__(self, told: list[tuple[str, str]]) -> None:
        self.told = told
        self.refusals: list[MessageRefused] = []

    def acknowledge(self, call_id: str, key: str, position: Position) -> None:
        self.told.append((call_id, f"{key} at {position.seq}"))

    def not_durable(self, call_id: str, key: str, refusal: MessageRefused) -> None:
        self.told.append((call_id, f"{key} {refusal.code}"))
        self.refusals.append(refusal)


def owed() -> tuple[Acks, Source, list[tuple[str, int]]]:
    settled: list[tuple[str, int]] = []
    return Acks(lambda trouble, events: settled.append((trouble, events))), Source([]), settled


async def test_what_is_durable_already_is_acknowledged_at_once() -> None:
    acks, source, settled = owed()
    durable = asyncio.get_running_loop().create_future()
    durable.set_result(None)
    acks.owe(durable, source, "c1", "s1@1", Position(1, 1))
    assert source.told == [("c1", "s1@1 at 1")]
    assert settled == [("", 1)]


async def test_one_promise_settles_all_that_it_was_given_for_in_order() -> None:
    acks, source, settled = owed()
    other = Source(source.told)
    first, second = (asyncio.get_running_loop().create_future() for _ in range(2))
    acks.owe(first, source, "c1", "s1@1", Position(1, 1))
    acks.owe(first, other, "c2", "s1@1", Position(1, 1))
    acks.owe(second, source, "c1", "s1@3", Position(1, 3))
    acks.owe(first, source, "c1", "s1@2", Position(1, 2))
    first.set_result(None)
    assert source.told == []
    await asyncio.sleep(0)
    assert source.told == [("c1", "s1@1 at 1"), ("c2", "s1@1 at 1"), ("c1", "s1@2 at 2")]
    assert settled == [("", 3)]
    second.set_result(None)
    await asyncio.sleep(0)
    assert source.told[3:] == [("c1", "s1@3 at 3")]


async def test_what_comes_for_a_kept_promise_before_its_callbacks_keeps_its_place() -> None:
    acks, source, _ = owed()
    durable = asyncio.get_running_loop().create_future()
    acks.owe(durable, source, "c1", "s1@1", Position(1, 1))
    durable.set_result(None)
    acks.owe(durable, source, "c1", "s1@2", Position(1, 2))
    await asyncio.sleep(0)
    assert source.told == [("c1", "s1@1 at 1"), ("c1", "s1@2 at 2")]


async def test_a_broken_promise_is_told_with_the_logs_own_words() -> None:
    acks, source, settled = owed()
    durable = asyncio.get_running_loop().create_future()
    acks.owe(durable, source, "c1", "s1@1", Position(1, 1))
    durable.set_exception(LogUnavailable("The disk is full."))
    await asyncio.sleep(0)
    [refusal] = source.refusals
    assert (refusal.code, refusal.retry, refusal.sentence) == (Code.LOG_UNAVAILABLE, True, "The disk is full.")
    assert settled == [("The disk is full.", 1)]


async def test_a_promise_that_was_given_up_acknowledges_nothing() -> None:
    acks, source, settled = owed()
    durable = asyncio.get_running_loop().create_future()
    acks.owe(durable, source, "c1", "s1@1", Position(1, 1))
    durable.cancel()
    await asyncio.sleep(0)
    assert source.told == [("c1", "s1@1 log_unavailable")]
    assert settled[0][0]
