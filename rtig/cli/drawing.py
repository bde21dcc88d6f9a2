"""Curves as SVG, drawn here because they are a few lines of text: they follow the reader's light or dark mode."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 640, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 68, 56
COLOURS = (("#1f5fbf", "#7fb2ff"), ("#b3541e", "#ffb080"), ("#2e7d4f", "#7fd8a4"))
"""On light and on dark ground; each reaches a contrast of 4.5 to 1."""
MOST_POINTS = 400
_LETTER = 7.2
"""How wide one of the key's is, roughly."""


class Curve(NamedTuple):
    """Points from 0 to 1 on both axes, and perhaps the one that is in use."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: tuple[float, float] | None = None


def svg(title: str, across: str, up: str, curves: Sequence[Curve], low: float = 0.5) -> str:
    """The part of the curves at or above `low` on the upright axis."""
    light = "".join(f".c{n}{{stroke:{one};fill:{one}}}" for n, (one, _) in enumerate(COLOURS))
    dark = "".join(f".c{n}{{stroke:{two};fill:{two}}}" for n, (_, two) in enumerate(COLOURS))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        "<style>svg{background:#fff;font:13px system-ui,sans-serif}text{fill:#222;stroke:none}.grid{stroke:#8884}"
        f"polyline{{fill:none!important;stroke-width:2}}{light}"
        f"@media(prefers-color-scheme:dark){{svg{{background:#16181d}}text{{fill:#ddd}}{dark}}}</style>",
        f'<text x="{LEFT}" y="24" font-size="16">{escape(title)}</text>',
    ]
    for step in range(6):
        share = step / 5
        x, y = _x(share), _y(low + (1 - low) * share, low)
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{share:.1f}</text>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{low + (1 - low) * share:.1f}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 14}" text-anchor="middle">{escape(across)}</text>'
        f'<text transform="translate(18 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(up)}</text>"
    )
    key_x = float(LEFT)
    for number, (name, points, marked) in enumerate(curves):
        colour = f"c{number % len(COLOURS)}"
        every = max(1, len(points) // MOST_POINTS)
        line = " ".join(
            f"{_x(x):.1f},{_y(y, low):.1f}" for n, (x, y) in enumerate(points) if y >= low and n % every == 0
        )
        parts.append(f'<polyline class="{colour}" points="{line}"/>')
        if marked is not None and marked[1] >= low:
            parts.append(f'<circle class="{colour}" cx="{_x(marked[0]):.1f}" cy="{_y(marked[1], low):.1f}" r="5"/>')
        parts.append(f'<path class="{colour}" d="M{key_x:.0f} 46h20" stroke-width="3"/>')
        parts.append(f'<text x="{key_x + 26:.0f}" y="50">{escape(name)}</text>')
        key_x += 44 + _LETTER * len(name)
    return "\n".join([*parts, "</svg>", ""])


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float, low: float) -> float:
    return HEIGHT - BOTTOM - (share - low) / (1 - low) * (HEIGHT - TOP - BOTTOM)
