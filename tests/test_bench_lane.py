"""The lane suite reads a stream of calls, floods the lane and says what became of every utterance."""

import json

import pytest
import samples

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")

from benchmarks import lane
from benchmarks.call_stream import at_rate, call_stream


def test_a_stream_is_the_same_for_the_same_seed_and_comes_at_the_rate_that_was_asked_for() -> None:
    playbook = samples.playbook()
    stream = call_stream(playbook, None, 5, seed=1)
    assert stream == call_stream(playbook, None, 5, seed=1)
    assert stream != call_stream(playbook, None, 5, seed=2)
    assert [one.at for one in stream.said] == sorted(one.at for one in stream.said)
    assert {one.utterance.party for one in stream.said} == {"customer"}
    assert len({one.call for one in stream.said}) == 5
    faster = at_rate(stream.said, 100.0)
    assert faster[0].at == 0
    assert faster[-1].at == pytest.approx(len(faster) / 100)
    assert at_rate([], 100.0) == []


@pytest.mark.process
def test_the_lane_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert lane.run(["--quick", "--json", "--data", "none", "--seconds", "0.5", "--peer", "0"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["lost"] == 0
    assert result["capacity_per_s"][1] > 0
    assert 0 <= result["remembered_share"][1] < 1
    assert result["per_cpu_s"][1] > 0
    assert result["to_score_at_70"]["p99_us"] >= result["to_score_at_70"]["p50_us"] > 0
    assert set(result["fast_lane"]) == {"at rest", "at 70 %", "at 300 %"}
