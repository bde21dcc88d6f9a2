"""The suite about workers: it holds up no server, and a small run loses nothing when one is killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import workers

TALKATIVE = """
import json, sys
print(json.dumps({"event": "serving"}), file=sys.stderr)
for number in range(10_000):
    print(json.dumps({"event": "a watcher", "number": number}), file=sys.stderr)
print(json.dumps({"event": "worker serving", "worker": 1}), file=sys.stderr)
"""


def test_lines_that_nobody_asks_for_hold_up_no_server() -> None:
    with subprocess.Popen([sys.executable, "-c", TALKATIVE], stderr=subprocess.PIPE, text=True) as process:
        fleet = workers.Fleet(process)
        assert fleet.wait() == 0  # before anything is asked for: a pipe holds a tenth of the lines
    assert fleet.line("serving")
    assert fleet.line("worker serving")["worker"] == 1
    with pytest.raises(RuntimeError, match="ended"):
        fleet.line("worker serving")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="a worker is told from others by its files in /proc")
def test_a_worker_is_killed_and_all_its_calls_are_guided_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert workers.run(["--calls", "8", "--seconds", "8", "--kill-at", "3", "--rounds", "0", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["affected_calls"] > 0
    assert report["guided_again"] == report["of_those_that_spoke"] > 0
    assert report["serving_again_s"] > 0
    assert report["lost"] == report["doubled"] == 0
