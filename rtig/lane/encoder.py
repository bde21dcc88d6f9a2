"""What sentences mean and how they are said, as numbers: one pass of a small encoder, and heads over what it gives.

The encoder is all-MiniLM-L6-v2, fine-tuned for rtig (`models/README.md`). Sentences that mean the same are near to each
other, whatever their words; beside that it reads the speaker's mood. It runs on ONNX Runtime in one thread, and on
torch where there is a GPU.
"""

import importlib.util
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import BertWordPieceTokenizer, Tokenizer

from rtig import shipped
from rtig.core.events import Tone
from rtig.errors import EncoderUnavailable
from rtig.lane.on_onnx import OnnxPass
from rtig.lane.remembered import Remembered, remembered
from rtig.lane.weights import Array, read_weights

Vectors: TypeAlias = NDArray[np.float32]
Device: TypeAlias = Literal["auto", "cpu", "torch", "cuda"]

LONGEST_PIECES = 64
"""A window of 24 words has 30 to 40 pieces."""
A_PASS = 5
"""What a pass costs beside its pieces, in pieces: 0.5 ms and 0.1 ms, on one core of an EPYC of 2022."""
MOST_TOGETHER = 32
REMEMBERED = 20_000
"""Texts that come again, as short answers do, are read once; 1.7 KB each."""
MOODS = ("upset", "fine", "pleased")
EMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "neutral", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise",
)  # fmt: skip
"""Those of GoEmotions (Demszky et al. 2020)."""
UPSET = ("anger", "annoyance", "disappointment", "disapproval", "disgust")
PLEASED = ("admiration", "excitement", "gratitude", "joy", "love", "optimism", "pride", "relief")
_UPSET_AT = [EMOTIONS.index(name) for name in UPSET]
_PLEASED_AT = [EMOTIONS.index(name) for name in PLEASED]
NAMED_FROM = 0.25
"""How likely an emotion must be to be named."""
_NO_STRAIN = np.zeros(1, np.float32)


class Emotions(NamedTuple):
    """How likely each emotion is, and those that are likely enough to be called so."""

    likely: dict[str, float]
    called: frozenset[str]


class _Facts(Struct):
    """What is written down of a training; see `models/README.md`."""

    sha256: str


class Pass(Protocol):
    def run(self, ids: Array, mask: Array) -> tuple[Array, Array]: ...


class Encoder:
    """Takes a fifth of a second and 70 MB to load. `version` names the weights."""

    width = 384

    def __init__(
        self,
        weights: Path | None = None,
        sha256: str | None = None,
        pieces: Path | None = None,
        known: Remembered | None = None,
        device: Device = "auto",
    ) -> None:
        """`weights` None: those that come with rtig, whose hash is known. `pieces`: the vocabulary, one a line.

        `known` are vectors that need no encoding; None: those that come with rtig for these weights. `device` `torch`
        is torch on the CPU; `auto` takes a GPU where torch and one are there.

        Raises `EncoderUnavailable` where a file is missing or its hash is another.
        """
        if weights is None:
            weights, sha256 = shipped.model("encoder.en.safetensors"), shipped_sha256()
        pieces = pieces if pieces is not None else shipped.model("wordpieces.en.txt")
        graph = shipped.model("encoder.onnx")
        for file in (pieces, graph):
            if not file.is_file():
                raise EncoderUnavailable(f"{file} is not there.")
        read = read_weights(weights, sha256)
        self.version = read.sha256[:12]
        if device == "auto":
            device = "cuda" if _has_gpu() else "cpu"
        if device == "cpu":
            self._pass: Pass = OnnxPass(graph, read)
        else:
            from rtig.lane.on_torch import TorchPass  # takes seconds to import

            self._pass = TorchPass(read, "cpu" if device == "torch" else device)
        heads = [read["mood.weight"], read["emotions.weight"]]
        self._heads = np.vstack(heads).T, np.concatenate([read["mood.bias"], read["emotions.bias"]])
        # What is fitted on top comes after the first packing: see `rtig train`.
        self._strain = read.get("strain.weight", np.zeros(self.width, np.float32))
        self._strain_bias = float(read.get("strain.bias", _NO_STRAIN)[0])
        self._least = read.get("emotions.least", np.full(len(EMOTIONS), 0.3, np.float32))
        # Only this class has `encode_batch_fast`, which leaves out where in the text each piece stands.
        self._tokenizer = Tokenizer.from_str(BertWordPieceTokenizer(str(pieces), lowercase=True).to_str())
        self._tokenizer.enable_truncation(LONGEST_PIECES)
        self._known = known if known is not None else remembered(self.version)
        self._remembered: OrderedDict[str, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """What each text means: vectors of length 1, shape (texts, `width`)."""
        self._read_new(text for text in texts if text not in self._known)
        found = np.empty((len(texts), self.width), np.float32)
        for at, text in enumerate(texts):
            found[at] = self._remembered[text][: self.width] if text in self._remembered else self._known[text]
        self._forget()
        return found

    def scores(self, texts: Sequence[str]) -> tuple[Vectors, Vectors]:
        """Of each text: how likely each mood is, and each emotion: shapes (texts, moods) and (texts, emotions)."""
        self._read_new(texts)
        logits = np.array([self._remembered[text][self.width :] for text in texts], np.float32)
        logits = logits.reshape(len(texts), len(MOODS) + len(EMOTIONS))
        self._forget()
        moods = np.exp(logits[:, : len(MOODS)])
        emotions = 1 / (1 + np.exp(-logits[:, len(MOODS) :]))
        return moods / moods.sum(axis=1, keepdims=True), emotions.astype(np.float32)

    def tones(self, texts: Sequence[str]) -> list[Tone]:
        """The speaker's mood in each text."""
        if not texts:
            return []
        moods, emotions = self.scores(texts)
        strain = self.encode(texts) @ self._strain + self._strain_bias
        found = []
        for row in range(len(texts)):
            upset = moods[row, 0] >= moods[row, 2]
            likeliest = max(_UPSET_AT if upset else _PLEASED_AT, key=emotions[row].__getitem__)
            found.append(
                Tone(
                    upset=round(float(moods[row, 0]), 4),
                    pleased=round(float(moods[row, 2]), 4),
                    strain=round(float(strain[row]), 4),
                    emotion=EMOTIONS[likeliest] if emotions[row, likeliest] >= NAMED_FROM else "",
                )
            )
        return found

    def emotions(self, texts: Sequence[str]) -> list[Emotions]:
        """How likely each emotion is in each text."""
        _, found = self.scores(texts)
        return [
            Emotions(
                dict(zip(EMOTIONS, map(float, row), strict=True)),
                frozenset(name for name, likely in zip(EMOTIONS, row >= self._least, strict=True) if likely),
            )
            for row in found
        ]

    def _read_new(self, texts: Iterable[str]) -> None:
        """Read those that were not read lately."""
        asked = dict.fromkeys(texts)
        for text in asked:
            if text in self._remembered:
                self._remembered.move_to_end(text)
        new = [text for text in asked if text not in self._remembered]
        if new:
            self._remembered.update(zip(new, self._read(new), strict=True))

    def _forget(self) -> None:
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)

    def _read(self, texts: Sequence[str]) -> Vectors:
        """The meaning of each text and the logits of the heads, in one row."""
        weights, bias = self._heads
        encoded = self._tokenizer.encode_batch_fast(list(texts))
        found = np.zeros((len(texts), self.width + len(bias)), np.float32)
        # Those of about one length together: what is padded is computed too.
        order = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids))
        for begin, end in _groups([len(encoded[at].ids) for at in order]):
            batch = order[begin:end]
            longest = len(encoded[batch[-1]].ids)
            ids = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros((len(batch), longest), np.int64)
            for row, at in enumerate(batch):
                ids[row, : len(encoded[at].ids)] = encoded[at].ids
                mask[row, : len(encoded[at].ids)] = 1
            mean, first = self._pass.run(ids, mask)
            found[batch, : self.width] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
            found[batch, self.width :] = np.hstack([first, mean]) @ weights + bias
        return found


def _groups(lengths: Sequence[int]) -> list[tuple[int, int]]:
    """Which rows, begin and end, go through the encoder together so that all cost least. `lengths` must not fall."""
    least, begins = [0], [0]
    for end in range(1, len(lengths) + 1):
        costs = {
            begin: least[begin] + A_PASS + (end - begin) * lengths[end - 1]
            for begin in range(max(0, end - MOST_TOGETHER), end)
        }
        best = min(costs, key=costs.__getitem__)
        least.append(costs[best])
        begins.append(best)
    found: list[tuple[int, int]] = []
    end = len(lengths)
    while end:
        found.append((begins[end], end))
        end = begins[end]
    return found[::-1]


def shipped_sha256() -> str:
    """Of the weights that come with rtig, as they were when they were made. Raises `EncoderUnavailable`."""
    facts = shipped.model("encoder.en.json")
    if not facts.is_file():
        raise EncoderUnavailable(f"{facts} is not there.")
    return msgspec.json.decode(facts.read_bytes(), type=_Facts).sha256


def _has_gpu() -> bool:
    if not Path("/dev/nvidia0").exists() or importlib.util.find_spec("torch") is None:
        return False
    import torch  # seconds to import, and only where it may be of use

    return bool(torch.cuda.is_available())
