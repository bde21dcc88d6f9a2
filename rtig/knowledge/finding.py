"""What a linter finds: a mistake or an oddity, its place, and how to mend it."""

from rtig.knowledge.base import Spot
from rtig.wire.authors import Finding

__all__ = ["Finding", "mistake", "place_of", "warning"]


def warning(spot: Spot, problem: str, mend: str = "") -> Finding:
    return Finding(severity="warning", path=spot.path, line=spot.line, column=spot.column, problem=problem, mend=mend)


def mistake(spot: Spot, problem: str, mend: str) -> Finding:
    return Finding(severity="error", path=spot.path, line=spot.line, column=spot.column, problem=problem, mend=mend)


def place_of(spot: Spot) -> str:
    return f"{spot.path}:{spot.line}:{spot.column}"
