from pathlib import Path

import pytest
from contract import CALL, STEPS, Contract, Home, append, check_against_a_dictionary, said
from hypothesis import given, settings

from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import EventLog


class MemoryHome(Home):
    log: MemoryLog | None = None

    async def open(self) -> EventLog:
        self.log = self.log.reopen() if self.log else MemoryLog(self.clock)
        return self.log


class TestMemoryLog(Contract):
    @staticmethod
    def home_in(folder: Path) -> Home:
        return MemoryHome()


async def test_a_log_is_closed_before_it_is_opened_again() -> None:
    log = MemoryLog()
    await append(log, CALL, said(0))
    with pytest.raises(ValueError, match="Close"):
        log.reopen()
    await log.close()


@settings(max_examples=100, derandomize=True)
@given(steps=STEPS)
async def test_any_interleaving_gives_what_a_dictionary_gives(steps: list[tuple[str, int, int]]) -> None:
    await check_against_a_dictionary(TestMemoryLog.home_in, steps)
