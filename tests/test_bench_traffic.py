"""Calls by the thousand: the rhythm of real ones, the same for the same seed, and frames that a server understands."""

import random
import statistics
from itertools import pairwise

import pytest
import samples
from websockets.speedups import apply_mask

from benchmarks import traffic
from benchmarks.frames import MASK, masked_id
from benchmarks.load_worker import SEGMENT_AFTER_TYPE
from benchmarks.servers import ROOT
from benchmarks.traffic import Shape, Spoken, Turn, spoken_calls, turn
from rtig.core.events import SegmentHeard, decode

KNOWLEDGE_BASE = ROOT / "knowledge_base"


@pytest.fixture(scope="module")
def heard() -> list[list[tuple[int, SegmentHeard]]]:
    """Every sample call, spoken once."""
    rng = random.Random(1)
    scripts = [s for s in samples.base().calls.values() if s.channel == "voice"]
    return [traffic.spoken(script, rng) for script in scripts]


@pytest.fixture(scope="module")
def calls() -> list[Spoken]:
    return spoken_calls(KNOWLEDGE_BASE, seed=1, variants=1)


def shape(**more: object) -> Shape:
    usual = {"lines": 100, "seconds": 600.0, "ramp": 10.0, "seed": 1, "prefix": "test"}
    return Shape(**(usual | more))  # type: ignore[arg-type]


def turns(of: Shape, calls: list[Spoken]) -> list[list[Turn]]:
    """The calls of each line until the end."""
    found = []
    for line in range(of.all_lines):
        mine: list[Turn] = []
        while (made := turn(of, calls, line, len(mine), mine[-1].ends if mine else 0.0)) and made.begins < of.seconds:
            mine.append(made)
        found.append(mine)
    return found


def finals(call: list[tuple[int, SegmentHeard]]) -> list[SegmentHeard]:
    return sorted((event for _, event in call if event.final), key=lambda event: event.start_ms)


def test_calls_have_the_rhythm_of_real_ones(heard: list[list[tuple[int, SegmentHeard]]]) -> None:
    minutes = sum(call[-1][0] for call in heard) / 60_000
    segments = [finals(call) for call in heard]
    lengths = sorted(one.end_ms - one.start_ms for call in segments for one in call)
    starts = [b.start_ms - a.start_ms for call in segments for a, b in pairwise(call)]
    overlapping = sum(b.start_ms < a.end_ms for call in segments for a, b in pairwise(call))
    interims = sum(not event.final for call in heard for _, event in call)
    assert len(lengths) / minutes == pytest.approx(21, rel=0.03)
    assert overlapping / len(lengths) == pytest.approx(0.19, abs=0.02)
    assert statistics.median(lengths) == pytest.approx(1100, rel=0.1)
    assert lengths[int(len(lengths) * 0.9)] == pytest.approx(3900, rel=0.15)
    assert statistics.median(starts) == pytest.approx(2200, rel=0.1)
    assert interims / (sum(lengths) / 1000) == pytest.approx(3, rel=0.1)


def test_interim_texts_grow_and_the_final_one_is_whole(heard: list[list[tuple[int, SegmentHeard]]]) -> None:
    for call in heard:
        assert [at for at, _ in call] == sorted(at for at, _ in call)
        last: dict[str, SegmentHeard] = {}
        for _, event in call:
            before = last.get(event.segment_id)
            assert event.rev == (before.rev + 1 if before else 1)
            if before is not None:
                assert not before.final
                # A word that was heard wrong may have been longer.
                assert len(event.text.split()) >= len(before.text.split())
            last[event.segment_id] = event
        assert all(event.final for event in last.values())


def test_speaking_is_the_same_for_the_same_seed(calls: list[Spoken]) -> None:
    assert spoken_calls(KNOWLEDGE_BASE, seed=1, variants=1) == calls
    assert spoken_calls(KNOWLEDGE_BASE, seed=2, variants=1) != calls


def test_a_frame_is_a_prepared_one_with_the_calls_own_id(calls: list[Spoken]) -> None:
    call_id = b"test-00017-00003"
    for step in calls[0].steps:
        frame = step.before + masked_id(call_id, SEGMENT_AFTER_TYPE) + step.after
        begins = frame.index(MASK) + len(MASK)
        event = decode(apply_mask(frame[begins:], MASK))
        assert isinstance(event, SegmentHeard)
        assert event.call_id.encode() == call_id
        assert (event.segment_id.encode(), event.rev, event.final) == (step.segment, step.rev, step.final)


def test_lines_have_one_call_after_the_other(calls: list[Spoken]) -> None:
    made = turns(shape(), calls)
    assert made == turns(shape(), calls)
    assert made != turns(shape(seed=2), calls)
    for line in made:
        assert line[0].begins < 10
        for before, after in pairwise(line):
            assert 1 <= after.begins - before.ends <= 3
    ids = [one.call_id for line in made for one in line]
    assert len(set(ids)) == len(ids)
    assert {len(one) for one in ids} == {traffic.ID_BYTES}


def test_starts_are_as_many_as_asked_for_from_the_ramp_on(calls: list[Spoken]) -> None:
    made = turns(shape(lines=400, starts=5.0), calls)
    begins = [one.begins for line in made for one in line if one.begins >= 10]
    for since in (10, 200, 400):
        assert len([at for at in begins if since <= at < since + 190]) / 190 == pytest.approx(5.0, rel=0.15)


def test_a_burst_is_calls_that_begin_within_a_second(calls: list[Spoken]) -> None:
    made = turns(shape(lines=10, burst=50, bursts_at=(100.0, 300.0)), calls)
    assert len(made) == 60
    for line in made[10:]:
        assert [int(one.begins) for one in line] == [100, 300]
        assert line[0].ends < 300
