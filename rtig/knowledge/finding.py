"""What a linter finds: a mistake or an oddity, its place, and how to mend it."""

from typing import Literal

from msgspec import Struct

from rtig.knowledge.base import Spot


class Finding(Struct, frozen=True, kw_only=True):
    """Something in a knowledge base that is wrong or odd. `line` and `column` count from 1; 0 means the whole file."""

    severity: Literal["error", "warning"]
    path: str
    line: int
    column: int
    problem: str
    mend: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else self.path
        return f"{where}: {self.severity}: {self.problem}" + (f". {self.mend}" if self.mend else "")


def warning(spot: Spot, problem: str, mend: str = "") -> Finding:
    return Finding(severity="warning", path=spot.path, line=spot.line, column=spot.column, problem=problem, mend=mend)


def mistake(spot: Spot, problem: str, mend: str) -> Finding:
    return Finding(severity="error", path=spot.path, line=spot.line, column=spot.column, problem=problem, mend=mend)


def place_of(spot: Spot) -> str:
    return f"{spot.path}:{spot.line}:{spot.column}"
