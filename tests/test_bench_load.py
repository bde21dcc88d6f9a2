"""A load is played into the real servers, whole: nothing is lost or doubled, also where connections are cut."""

from pathlib import Path

import pytest

from benchmarks.latency import Figures, measured, reported, serving
from benchmarks.load import Plan, merged, play
from benchmarks.servers import What
from benchmarks.traffic import Shape

LINES = 12
SHAPE = Shape(lines=LINES, seconds=7.0, ramp=1.0, seed=1, prefix="test", starts=2.0, burst=3, bursts_at=(3.0,))

pytestmark = pytest.mark.process


def test_calls_are_guided_and_cut_connections_come_back(tmp_path: Path) -> None:
    with serving("rtig") as server:
        played = play(server, Plan(url=server.url, shape=SHAPE, slice_seconds=3.0, storms_at=(2.5,), storm_share=0.6))
    assert played.calls > LINES + SHAPE.burst
    assert played.fragments > 50
    assert (played.lost, played.twice, played.refused, played.started_over) == (0, 0, {}, 0)
    assert played.stormed > 0
    # Those that were cut have come back, and one-call sources have come with each call.
    assert played.connections > LINES + SHAPE.burst + 1 + played.stormed
    assert [round(one.seconds) for one in played.slices] == [3, 3]
    assert sum(one.sent for one in played.slices) < played.sent
    assert all(one.server_cpu > 0 and one.server_rss_kib > 10_000 for one in played.slices)
    assert merged(one.took for one in played.slices).get_total_count() > 0
    assert played.board_bytes > 0


@pytest.mark.parametrize("what", ["echo", "plain"])
def test_the_floors_get_the_same_frames(what: What) -> None:
    figures = Figures()
    played = measured(what, SHAPE, figures)
    assert played.lost == 0
    assert figures.fragment.get_total_count() > 30
    assert not played.gave_up
    report = reported(LINES, "memory", rtig=figures, echo=figures, plain=figures)
    assert report["ratio_p99"] == report["ratio_p50"] == 1.0
    assert report["rate"] == pytest.approx(figures.sent / 6, rel=0.05)
