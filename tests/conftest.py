"""What holds for all tests: what they import, which event loop they run on, and what operators may be told.

All that they start imports the tree that they stand in, whichever copy is installed. The gateway and the workers run
on uvloop, on which they are served, everything else on asyncio's own loop. All that is logged, warned of, raised on
purpose or given out as figures while the tests run is kept in a file, and the run fails if one of the words of
`CANARIES.txt` is in it: no customer's word is told to operators. Where several processes share the tests, each keeps a
file, and tells the one that reports what it found.
"""

import asyncio
import logging
import os
import re
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import structlog
import uvloop

from rtig.errors import RtigError
from rtig.gateway.metrics import Metrics

ROOT = Path(__file__).parents[1]
GATEWAY = ROOT / "tests" / "gateway"
WORKERS = ROOT / "tests" / "workers"
CANARIES = ROOT / "knowledge_base" / "calls" / "CANARIES.txt"
SHOWN = 80
"""Characters on each side of a word that is found."""

os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
# No test says how long something takes: on a busy machine it would fail by chance. So no card is late by itself either.
os.environ["RTIG_BUDGET_MS"] = "0"
hypothesis.settings.register_profile("rtig", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("rtig")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    served_here = item.get_closest_marker("process") is None
    if served_here and (GATEWAY in item.path.parents or WORKERS in item.path.parents):
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Overheard(), "overheard")


class Overheard:
    """Notes what operators are told, from before the first test is imported until the last one is over."""

    def __init__(self) -> None:
        words = [line for line in CANARIES.read_text("utf-8").splitlines() if not line.startswith("#")]
        self._canary = re.compile("|".join(words), re.IGNORECASE)
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        self._found: list[str] = []
        self._patch = pytest.MonkeyPatch()
        self._hear_structlog()
        self._hear_logging()
        self._hear_errors()
        self._hear_figures()

    def note(self, kind: str, *what: object) -> None:
        self._file.write(f"{kind}: {what!r}\n")

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, nodeid: str) -> None:
        self.note("warning", str(warning_message.message), nodeid)

    @pytest.hookimpl(optionalhook=True)  # of pytest-xdist
    def pytest_testnodedown(self, node: Any) -> None:
        """One of the processes is done; one that crashed has nothing to tell, and fails by itself."""
        self._found += getattr(node, "workeroutput", {}).get("overheard", ())

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        self._patch.undo()
        self._file.seek(0)
        self._found += [
            f"{line.partition(':')[0]}: … {line[max(0, word.start() - SHOWN) : word.end() + SHOWN].strip()} …"
            for line in self._file
            if (word := self._canary.search(line)) is not None
        ]
        self._file.close()
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["overheard"] = self._found
        if self._found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._found:
            terminalreporter.section("customers' words were told to operators", red=True)
            for line in dict.fromkeys(self._found):  # a warning is heard by the process that reports, too
                terminalreporter.line(line)

    def _hear_structlog(self) -> None:
        """Before its processors, which tests replace; nothing that a level filters out comes here."""
        proxy = structlog.BoundLoggerBase._proxy_to_logger

        def heard(logger: Any, method: str, event: str | None = None, *args: Any, **more: Any) -> Any:
            self.note("structlog", method, event, args, more, dict(logger._context), _trace(more.get("exc_info")))
            return proxy(logger, method, event, *args, **more)

        self._patch.setattr(structlog.BoundLoggerBase, "_proxy_to_logger", heard)

    def _hear_logging(self) -> None:
        make = logging.getLogRecordFactory()

        def heard(*args: Any, **more: Any) -> logging.LogRecord:
            record = make(*args, **more)
            self.note("logging", record.name, record.levelname, record.msg, record.args, _trace(record.exc_info))
            return record

        self._patch.setattr(logging, "_logRecordFactory", heard)

    def _hear_errors(self) -> None:
        def heard(kind: type[RtigError], *args: Any, **more: Any) -> RtigError:
            self.note("error", kind.__name__, args, more)
            return Exception.__new__(kind, *args)

        self._patch.setattr(RtigError, "__new__", staticmethod(heard))

    def _hear_figures(self) -> None:
        page = Metrics.page

        def heard(metrics: Metrics) -> bytes:
            figures = page(metrics)
            self.note("figures", figures)
            return figures

        self._patch.setattr(Metrics, "page", heard)


def _trace(exc_info: Any) -> str:
    if isinstance(exc_info, BaseException):
        return "".join(traceback.format_exception(exc_info))
    if isinstance(exc_info, tuple):
        return "".join(traceback.format_exception(*exc_info))
    return traceback.format_exc() if exc_info and sys.exc_info()[0] else ""
