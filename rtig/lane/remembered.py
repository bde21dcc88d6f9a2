"""Vectors that come with rtig: those of its negatives, which every lane needs at its start and never change.

A file `negatives.<language>.npz` in `models/` holds them for one encoder, an int8 for each value and a scale for each
vector, under a hash of the text that was encoded. A text that is not there is not remembered, nor is anything for
another encoder.
"""

import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from rtig import shipped

Vectors: TypeAlias = NDArray[np.float32]

_STEPS = 127
"""Of an int8, on each side of 0."""


class Remembered:
    """Looked up by the text; never grows."""

    def __init__(self, keys: NDArray[np.uint64], values: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        self._rows = {int(key): row for row, key in enumerate(keys)}
        self._values = values
        self._scales = scales

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._rows

    def __getitem__(self, text: str) -> Vectors:
        """The vector of a text, of length 1. Raises `KeyError`."""
        row = self._rows[_key(text)]
        vector = self._values[row] * self._scales[row]
        unit: Vectors = vector / np.linalg.norm(vector)
        return unit


def remembered(version: str, files: Iterable[Path] | None = None) -> Remembered:
    """What the files that come with rtig hold for the encoder of this version: nothing where there are none."""
    keys, values, scales = [np.zeros(0, np.uint64)], [], [np.zeros(0, np.float32)]
    for file in files if files is not None else sorted(shipped.model("").glob("negatives.*.npz")):
        try:
            with file.open("rb") as opened, np.load(opened) as held:
                if str(held["version"]) == version:
                    keys.append(held["keys"])
                    values.append(held["values"])
                    scales.append(held["scales"])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
            continue  # a damaged file costs some seconds of encoding, no more
    return Remembered(
        np.concatenate(keys), np.concatenate(values) if values else np.zeros((0, 0), np.int8), np.concatenate(scales)
    )


def remember(file: Path, version: str, texts: Sequence[str], vectors: Vectors) -> None:
    """Write what `remembered` reads. The same texts and vectors give the same bytes."""
    texts_of = {_key(text): row for row, text in enumerate(texts)}
    keys = sorted(texts_of)
    chosen = vectors[[texts_of[key] for key in keys]]
    scales = (np.abs(chosen).max(axis=1) / _STEPS).astype(np.float32)
    values = np.rint(chosen / scales[:, None]).astype(np.int8)
    np.savez(file, version=np.array(version), keys=np.array(keys, np.uint64), values=values, scales=scales)


def _key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
