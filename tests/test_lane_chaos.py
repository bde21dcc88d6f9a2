"""The process with the models is killed, or hangs, while calls go on: nothing is late or lost, the board says so.

Ten calls, real processes; `python -m benchmarks chaos` does it with hundreds, and with the sample meanings.
"""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")

from benchmarks import chaos
from benchmarks.traffic import voice_calls

SAMPLES = Path(__file__).parents[1] / "knowledge_base"
TRIGGERS = "".join(
    f"  - id: {word}\n    title: {word}\n    say: Let me look at that.\n    said: [{word}]\n"
    for word in ("bill", "router", "contract", "refund", "number", "help", "hello", "morning")
)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The sample calls, and words alone to listen for: a process with nothing to learn is soon there again."""
    folder = tmp_path / "knowledge_base"
    shutil.copytree(SAMPLES / "calls", folder / "calls")
    (folder / "triggers").mkdir()
    (folder / "triggers" / "words.yaml").write_text(f"triggers:\n{TRIGGERS}", "utf-8")
    (folder / "kb.yaml").write_text("name: Small\nlanguage: en\n", "utf-8")
    return folder


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the process in /proc")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(("fault", "seconds"), [("kill", 9.0), ("stop", 20.0)])
def test_calls_go_on_without_the_model(
    small: Path, fault: chaos.Fault, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaos, "CALLS_A_SIDEBAR", 1)
    traffic = voice_calls(small, calls=10, seconds=seconds, ramp=0.5, seed=1, prefix="c")
    made = chaos.play(small, traffic, fault, fault_at=2.5)
    assert made.unacknowledged == 0
    assert made.acks.get_total_count() + made.acks_after.get_total_count() == len(traffic.sent)
    assert made.acks_after.get_max_value() < 1_000_000  # a lane that is waited for would hold them up for seconds
    assert made.untold == []
    assert any(made.told.values())
    assert made.begun + made.down_seen > made.fault
    assert made.on_again > made.down_seen
    assert made.readings_resumed
    assert max(made.words_alone) > 0
