"""Stories: the sample calls as data, and the guidance that each must bring, as text that a person can review.

After a change that is meant, write them again with `RTIG_WRITE_STORIES=1 pytest tests/test_stories.py`, and read the
diff.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import samples

from rtig import script
from rtig.core import engine
from rtig.core.guidance import Alert, Card, Checklist, Guidance, Mood, Withheld

STORIES = Path(__file__).parent / "stories"


def told(name: str) -> Iterator[str]:
    """The story of a call: when what came, and why."""
    call = samples.base().calls[name]
    yield f"{call.title} ({call.channel}, {call.queue})"
    yield ""
    for folded in engine.rehearse(samples.playbook(), name, [scheduled.event for scheduled in script.perform(call)]):
        for item in folded.guidance:
            line = in_words(item)
            if line:
                yield f"{folded.call.now / 1000:7.1f}  {line}"


def in_words(item: Guidance) -> str:
    match item:
        case Card():
            words = " … ".join(quote.text for quote in item.why.words)
            why = f" because of “{words}”" if words else f" because {item.why.condition}"
            return f"{item.state:11} {item.id}" + (f" ({item.reason})" if item.state == "retracted" else why)
        case Mood():
            reasons = "; ".join(f"{reason.what} {reason.weight:+.2f}" for reason in item.reasons)
            return f"mood        {item.band} {item.score:.2f}" + (f": {reasons}" if reasons else "")
        case Checklist():
            steps = " ".join(f"[{'x' if step.done else ' '}] {step.id}" for step in item.steps)
            return f"checklist   {item.id}: {steps}"
        case Withheld():
            return f"withheld    {item.rule} ({item.reason}{' ' + item.by if item.by else ''})"
        case Alert():
            words = " … ".join(quote.text for quote in item.why.words)
            why = f" because of “{words}”" if words else f" because {item.why.condition}"
            return f"alert       {item.id} {item.state}" + (f" ({item.reason})" if item.reason else why)
        case _:
            return ""


@pytest.mark.parametrize("name", sorted(samples.base().calls))
def test_the_story_of_a_sample_call(name: str) -> None:
    story = "\n".join(told(name)) + "\n"
    file = STORIES / f"{name}.txt"
    if os.environ.get("RTIG_WRITE_STORIES"):
        file.write_text(story, encoding="utf-8")
    assert story == file.read_text(encoding="utf-8")


def test_no_story_is_left_of_a_call_that_is_gone() -> None:
    assert {file.stem for file in STORIES.glob("*.txt")} == set(samples.base().calls)
