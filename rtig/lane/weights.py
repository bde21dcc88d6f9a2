"""The weights that come with rtig, as they are packed: an int8 for each value of a matrix and a scale for each row."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from rtig.errors import EncoderUnavailable

SCALE, TRANSPOSED = ".scale", ".T"
"""Ends of names: a matrix's scales, and in a graph a matrix that is meant the other way round."""
PARTS = ("attention.self.query", "attention.self.key", "attention.self.value")
JOINED = "attention.self.joined"
"""In a graph, the three parts of a layer's attention as one."""

Array: TypeAlias = NDArray[Any]


class Weights(Mapping[str, NDArray[np.float32]]):
    """By the names that they had in training, unpacked as they are asked for. `sha256` is that of the file."""

    def __init__(self, sha256: str, packed: Mapping[str, Array]) -> None:
        self.sha256 = sha256
        self.packed = packed

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        array = self.packed[name].astype(np.float32)
        return array * self.scale(name)[:, None] if name + SCALE in self.packed else array

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.packed if not name.endswith(SCALE))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def scale(self, name: str) -> NDArray[np.float32]:
        """Of each row of a matrix. Raises `KeyError` for one that is not packed."""
        return self.packed[name + SCALE].astype(np.float32)


def read_weights(file: Path, sha256: str | None = None) -> Weights:
    """Raises `EncoderUnavailable` where the file is missing, damaged, or another than was meant."""
    if not file.is_file():
        raise EncoderUnavailable(f"{file} is not there.")
    body = file.read_bytes()
    found = hashlib.sha256(body).hexdigest()
    if sha256 is not None and found != sha256.lower():
        raise EncoderUnavailable(
            f"{file} has the SHA-256 {found}, not {sha256}: it is damaged, or not the file that was meant."
        )
    try:
        return Weights(found, load(body))
    except SafetensorError as error:
        raise EncoderUnavailable(f"{file} does not hold weights ({error}).") from None
