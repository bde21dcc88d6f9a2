"""The shipped knowledge base on real calls: what real people said, as a recogniser heard it.

`python tests/knowledge/test_real_calls.py` prints every card with its reason. The calls are not part of the project.
"""

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import samples

from rtig.core.events import CallEnded, CallStarted, Party, SegmentHeard, SourceEvent
from rtig.core.redaction import redacted
from rtig.knowledge.explain import CardStory, bent, clock, explain, quoted

RECORDED = Path(__file__).parents[2] / "../shared/data/harper_valley/calls.jsonl"
PARTIES: tuple[Party, ...] = ("customer", "agent")
NOISE = ("[noise]", "[laughter]", "<unk>")
RIGHT = {
    ("23e16eba949246a5", "reset-password"): "the caller's task is to reset a password, and the words ask for it",
}
"""Cards of the recorded calls that words brought, judged by hand: all are right."""

here = pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded calls are not beside this repository")


def calls() -> list[Any]:
    return [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


def is_noise(turn: Any) -> bool:
    return all(word in NOISE for word in turn["text"].split())


def events(recorded: Any) -> list[SourceEvent]:
    """A call as it was recognised."""
    spoken = [
        SegmentHeard(
            call_id=recorded["call_id"], segment_id=f"s{number}", rev=1, party=turn["speaker"], text=turn["asr"],
            final=True, start_ms=turn["start_ms"], end_ms=turn["start_ms"] + turn["duration_ms"],
        )
        for number, turn in enumerate(recorded["turns"])
    ]  # fmt: skip
    heard: list[SourceEvent] = [CallStarted(call_id=recorded["call_id"]), *spoken]
    heard.append(CallEnded(call_id=recorded["call_id"], at_ms=recorded["end_ms"]))
    return [redacted(event)[0] for event in heard]


@cache
def cards() -> dict[str, tuple[CardStory, ...]]:
    """The cards of each call."""
    return {recorded["call_id"]: explain(samples.playbook(), events(recorded)).cards for recorded in calls()}


@here
def test_every_card_that_words_brought_is_right() -> None:
    found = {(call_id, card.rule) for call_id, shown in cards().items() for card in shown if card.words}
    assert found == RIGHT.keys()


@here
def test_noise_that_was_taken_for_words_brings_no_card_in_its_call() -> None:
    for recorded in calls():
        noisy = {f"s{number}" for number, turn in enumerate(recorded["turns"]) if is_noise(turn)}
        shown = cards()[recorded["call_id"]]
        assert not [card for card in shown if noisy & {quote.segment_id for quote in card.words}]


@here
def test_noise_that_was_taken_for_words_brings_no_card_by_itself() -> None:
    noise = [turn["asr"] for recorded in calls() for turn in recorded["turns"] if is_noise(turn)]
    assert len(noise) == 27
    for text in sorted(set(noise)):
        for party in PARTIES:
            spoken = SegmentHeard(
                call_id="noise", segment_id="1", rev=1, party=party, text=text, final=True, start_ms=0, end_ms=900
            )
            assert explain(samples.playbook(), [CallStarted(call_id="noise"), spoken]).cards == (), text


def listed() -> Iterator[str]:
    for recorded in calls():
        yield f"{recorded['call_id']}  {recorded['task']}"
        for card in cards()[recorded["call_id"]]:
            words = f": {quoted(card.words)}" if card.words else ""
            made_out = f", heard {bent(card.bends)}" if card.bends else ""
            yield f"    {clock(card.at_ms)} {card.rule}, because {card.condition}{words}{made_out} ({card.state})"


if __name__ == "__main__":
    sys.stdout.write("\n".join(listed()) + "\n")
