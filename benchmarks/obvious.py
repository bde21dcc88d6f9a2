"""What others write first: the same job for one message with the packages that come to mind, and no thought of more.

Each message is taken for itself: JSON in, every phrase held against the text by `rapidfuzz`, VADER over the text, a
model over the text where one is wanted, JSON out. Nothing is known of the call, so there is no mood, no cooldown, no
card that is taken back; a phrase that is said across two messages is not found.
"""

import json
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from rapidfuzz import fuzz, process
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from benchmarks.phrases_data import Phrase

CUTOFF = 86
"""Likeness, of 100, from which a phrase counts as said; see the `matcher` suite for what lower and higher ones cost."""


class Obvious:
    """`model`: what a model makes of a text, as something that `json` can write."""

    def __init__(self, phrases: Sequence[Phrase], model: Callable[[str], Any] | None = None) -> None:
        self._phrases = [" ".join(phrase) for phrase in phrases]
        self._vader = SentimentIntensityAnalyzer()
        self._model = model

    def hear(self, frame: bytes) -> str:
        """The answer to a segment's frame. The scan is the quick one, which skips what cannot reach the cutoff."""
        heard = json.loads(frame)
        text = heard["text"].lower()
        found = process.extract(text, self._phrases, scorer=fuzz.partial_ratio, score_cutoff=CUTOFF, limit=None)
        return json.dumps(
            {
                "call_id": heard["call_id"],
                "cards": [{"trigger": number, "words": phrase, "score": score} for phrase, score, number in found],
                "sentiment": self._vader.polarity_scores(text),
                "model": None if self._model is None else self._model(text),
            }
        )


def sentiment_pipeline() -> Callable[[str], Any]:
    """A `transformers` pipeline over the encoder that rtig's own was trained from, on one thread of torch in fp32.

    Its classifier's last layer is not trained, for no package carries one; that costs the same.
    """
    # By name: where they are not installed, which is nearly everywhere, the types are checked all the same.
    torch, transformers = import_module("torch"), import_module("transformers")
    from rtig.training.network import base

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    weights = base()
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        weights, local_files_only=True, num_labels=3
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(weights, local_files_only=True)
    made: Callable[[str], Any] = transformers.pipeline(
        "text-classification", model=model, tokenizer=tokenizer, device="cpu"
    )
    return made
