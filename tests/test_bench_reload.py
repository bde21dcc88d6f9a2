"""The reload suite changes a playbook under load and says how late the loop came."""

import json

import pytest

from benchmarks import reload


def test_a_change_under_load_is_measured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reload, "FLOOR_SECONDS", 0.02)
    monkeypatch.setattr(reload, "AFTER_SECONDS", 0.02)
    assert reload.run(["--triggers", "20", "--per-file", "8", "--calls", "2", "--rate", "200", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["longest_stall_ms"] >= max(result["swapping_ms_max"], result["compiling_ms_p99"])
    assert result["compiled_s"] > 0
    assert 0 <= result["longest_hold_ms"] <= 1000 * result["compiled_s"]
