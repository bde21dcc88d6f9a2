"""How `rtig explain --mood` prints the story of a call's mood."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rtig.knowledge.explain import clock, quoted
from rtig.knowledge.explain_mood import MoodStory

_BARS = " ▁▂▃▄▅▆▇█"
_STYLES = {"calm": "green", "tense": "yellow", "frustrated": "dark_orange3", "critical": "red"}
_LONGEST = 110


def print_mood(story: MoodStory) -> None:
    out = Console(soft_wrap=True, highlight=False, markup=False)
    out.print(f"{story.call_id}: {clock(story.lasted_ms)}, read from {story.reading}; risk {story.risk:.0%}")
    line = Text("  ")
    for point in story.curve:
        line.append(_BARS[min(8, round(point.score * 8))], style=_STYLES[point.band])
    highest = max((point.score for point in story.curve), default=0.0)
    out.print(line + Text(f"  highest {highest:.2f}, at the end {story.curve[-1].score if story.curve else 0:.2f}"))
    for one in story.evidence:
        said = f"  {quoted(one.words)}" if one.words else ""
        text = f"  {clock(one.at_ms):>8}  {one.weight:+.2f}  to {one.score:.2f} {one.band:<10}  {one.what}{said}"
        out.print(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("  risk: log odds of")
    for name in ("here", "weight", "adds"):
        table.add_column(name, justify="right")
    table.add_row("  any call", "", "", f"{story.base:+.2f}")
    for part in story.parts:
        table.add_row(f"  {part.meaning}", f"{part.value:.2f}", f"{part.weight:+.2f}", f"{part.adds:+.2f}")
    out.print(table)
    out.print()
