"""Captured sessions of real recognisers, cut and sent otherwise: the same confirmed cards."""

import itertools
import random
from pathlib import Path

import pytest
from calls import confirmed, playbook, rule

from rtig.core import engine
from rtig.core.conditions import Said
from rtig.core.events import AnyEvent, CallEnded, CallStarted, SegmentHeard
from rtig.core.guidance import Line
from rtig.core.playbook import Playbook, Source
from rtig.core.policy import Attention
from rtig.core.text import words
from rtig.ingest.feed import read_file

SAMPLES = Path(__file__).parents[1] / "../shared/samples/ingest"
SESSIONS = [
    ("speechmatics", "speechmatics/captured_chat1.jsonl"),
    ("speechmatics", "speechmatics/captured_chat2.jsonl"),
    ("deepgram", "deepgram/docs_flux_turn_sequence.jsonl"),
    ("deepgram", "deepgram/docs_interim_sequence.jsonl"),
]
RECUTS = 50


def session(name: str, format_name: str) -> list[AnyEvent]:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the captured sample {name} is not here")
    return list(read_file(path, format_name, "captured"))


def book_of(finals: list[SegmentHeard]) -> Playbook:
    """A playbook whose triggers are every third pair of words that was really said, over the ends of segments too."""
    streams: dict[str, list[str]] = {}
    for final in finals:
        streams.setdefault(final.party, []).extend(words(final.text).norms)
    pairs = [f"{a} {b}" for norms in streams.values() for a, b in list(itertools.pairwise(norms))[::3]]
    rules = tuple(
        rule(f"rule-{n}", Said((pair,), party="any"), priority=30 + n % 50, cooldown_ms=5_000)
        for n, pair in enumerate(dict.fromkeys(pairs))
    )
    return playbook(Source(name="captured", attention=Attention(gap_ms=1_500, patience_ms=4_000), rules=rules))


def final_segments(events: list[AnyEvent]) -> list[SegmentHeard]:
    kept = {e.segment_id: e for e in events if isinstance(e, SegmentHeard) and e.final}
    return sorted(kept.values(), key=lambda e: (e.start_ms, e.end_ms, e.segment_id))


def recut(finals: list[SegmentHeard], rng: random.Random) -> list[AnyEvent]:
    """The same words in other segments: cut between words, with interims, sent twice and out of order."""
    sent: list[AnyEvent] = []
    for final in finals:
        spans = words(final.text).spans
        count = len(spans)
        edges = sorted({0, count, *(rng.randrange(count + 1) for _ in range(rng.randrange(4)))}) if count else []
        length = final.end_ms - final.start_ms
        for first, last in itertools.pairwise(edges):
            start, end = spans[first][0], spans[last][0] if last < count else len(final.text)
            piece = SegmentHeard(
                call_id=final.call_id,
                segment_id=f"{final.segment_id}-{first}",
                rev=9,
                party=final.party,
                text=final.text[start:end],
                final=True,
                start_ms=final.start_ms + length * first // count,
                end_ms=final.start_ms + length * last // count,
            )
            for rev in range(rng.randrange(3)):
                shorter = piece.text[: rng.randrange(len(piece.text) + 1)]
                sent.append(
                    SegmentHeard(
                        call_id=piece.call_id, segment_id=piece.segment_id, rev=rev, party=piece.party, text=shorter,
                        start_ms=piece.start_ms, end_ms=piece.start_ms,
                    )
                )  # fmt: skip
            sent += [piece] * rng.choice((1, 1, 2))
    rng.shuffle(sent)
    return sent


@pytest.mark.parametrize(("format_name", "name"), SESSIONS, ids=[name for _, name in SESSIONS])
def test_a_captured_session_recut_gives_the_same_confirmed_cards(format_name: str, name: str) -> None:
    events = session(name, format_name)
    finals = final_segments(events)
    if not finals:
        pytest.skip("this sequence never settles anything")
    book = book_of(finals)
    end = CallEnded(call_id="captured", at_ms=max(f.end_ms for f in finals) + 10_000)
    started = CallStarted(call_id="captured")
    expected = cards_of(book, [started, *(e for e in events if isinstance(e, SegmentHeard)), end])
    assert expected
    rng = random.Random(name)
    for _ in range(RECUTS):
        assert cards_of(book, [started, *recut(finals, rng), end]) == expected


def cards_of(book: Playbook, events: list[AnyEvent]) -> list[str]:
    return sorted(confirmed([item for f in engine.replay(book, "captured", events) for item in f.guidance]))


@pytest.mark.parametrize(("format_name", "name"), SESSIONS, ids=[name for _, name in SESSIONS])
def test_the_final_lines_are_the_final_words(format_name: str, name: str) -> None:
    events = session(name, format_name)
    finals = final_segments(events)
    if not finals:
        pytest.skip("this sequence never settles anything")
    lines: dict[str, Line] = {}
    for folded in engine.replay(playbook(), "captured", events):
        lines.update((item.segment_id, item) for item in folded.guidance if isinstance(item, Line))
    assert [line.text for line in lines.values() if line.final and line.text] == [f.text for f in finals if f.text]
