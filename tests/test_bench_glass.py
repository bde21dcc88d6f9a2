"""The glass suite's pure parts: what is said, the clocks' offset, the parts of a card's way, and the report."""

from pathlib import Path

import pytest

from benchmarks import glass
from benchmarks.servers import ROOT
from benchmarks.traffic import Traffic
from rtig import knowledge
from rtig.core import engine
from rtig.core.events import AnyEvent, CallEnded, CallStarted, SegmentHeard, decode
from rtig.core.guidance import Card


def watched(traffic: Traffic) -> dict[str, list[AnyEvent]]:
    """The events of each call of the last line, in the order of sending."""
    calls: dict[str, list[AnyEvent]] = {}
    for one in traffic.sent:
        if traffic.line_of[one.call] == traffic.lines - 1:
            calls.setdefault(traffic.call_ids[one.call], []).append(decode(one.frame.encode()))
    return calls


def test_traffic_is_the_same_for_the_same_seed() -> None:
    assert glass.glass_traffic(3, 30, 1, "t") == glass.glass_traffic(3, 30, 1, "t")
    assert glass.glass_traffic(3, 30, 1, "t") != glass.glass_traffic(3, 30, 2, "t")


def test_one_watched_call_follows_the_other_beside_others() -> None:
    traffic = glass.glass_traffic(4, 30, 1, "t")
    assert [one.at for one in traffic.sent] == sorted(one.at for one in traffic.sent)
    assert set(traffic.line_of) == {0, 1, 2, 3}
    calls = watched(traffic)
    assert len(calls) == 2
    for events in calls.values():
        assert isinstance(events[0], CallStarted)
        assert isinstance(events[-1], CallEnded)
        times = [event.end_ms for event in events if isinstance(event, SegmentHeard)]
        assert times == sorted(times)
    assert len(glass.timed(traffic)) == 30
    assert len(glass.timed(traffic, every=True)) == 60
    assert len(watched(glass.glass_traffic(1, 5, 1, "t"))) == 1


def test_each_timed_fragment_brings_one_card_and_no_other_does(tmp_path: Path) -> None:
    playbook = knowledge.compile_folder(glass.with_glass_cards(tmp_path / "knowledge_base"))
    traffic = glass.glass_traffic(1, len(glass.PHRASES) + 3, 1, "t")
    brought: list[glass.Fragment] = []
    for call_id, events in watched(traffic).items():
        for event, folded in zip(events, engine.replay(playbook, call_id, events), strict=True):
            cards = [item for item in folded.guidance if isinstance(item, Card)]
            if cards:
                assert isinstance(event, SegmentHeard)
                assert [card.state for card in cards] == ["confirmed"]
                brought.append((call_id, event.segment_id, event.rev))
    assert len(brought) == len(glass.PHRASES) + 3
    assert set(brought) == glass.timed(traffic)


def test_the_sample_calls_say_none_of_the_phrases() -> None:
    said = " ".join(file.read_text("utf-8").lower() for file in (ROOT / "knowledge_base").rglob("*.yaml"))
    assert not [phrase for phrase in glass.PHRASES if phrase in said]


def test_an_offset_is_bounded_by_the_quickest_way_there_and_back() -> None:
    narrow = glass.narrowed([glass.Offset(1.0, 9.0), glass.Offset(3.0, 12.0), glass.Offset(-4.0, 5.0)])
    assert narrow == glass.Offset(3.0, 5.0)
    assert narrow.middle == 4.0


def test_the_parts_of_a_cards_way_are_all_of_it() -> None:
    painted = {"received": 1010.0, "painted": 1020.0, "timing": {"total_us": 2500}}
    parts = glass.parts(1000.0, 1001.5, painted)
    assert parts == (1.5, 2.5, 6.0, 10.0)
    assert sum(parts) == 1020.0 - 1000.0
    assert len(parts) == len(glass.PARTS)


def test_the_report_says_how_much_longer_than_the_floor() -> None:
    rtig, floor = glass.Figures(glass.PARTS), glass.Figures(glass.FLOOR_PARTS)
    for ms in range(1, 101):
        rtig.took(ms / 10, ms / 10, ms / 10, ms / 10)
        floor.took(ms / 10, ms / 10)
    rtig.offsets += [glass.Offset(-0.5, 0.1), glass.Offset(0.0, 0.2)]
    floor.lost = 1
    report = glass.reported(100, rtig, floor)
    assert (report["cards"], report["calls"], report["lost"], report["floor_fragments"]) == (100, 100, 1, 100)
    assert report["p50_ms"] == pytest.approx(20, rel=0.01)
    assert report["p99_ms"] == pytest.approx(39.6, rel=0.01)
    assert report["floor_p95_ms"] == pytest.approx(19, rel=0.01)
    assert report["ratio_p50"] == report["ratio_p99"] == 2.0
    assert report["parts"]["page_to_painted"]["p50_ms"] == pytest.approx(5, rel=0.01)
    assert set(report["parts"]) == set(glass.PARTS)
    assert set(report["floor_parts"]) == set(glass.FLOOR_PARTS)
    assert report["clock_offset_ms"] == -0.2
    assert report["clock_offset_known_to_ms"] == 0.3
