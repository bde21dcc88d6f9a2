"""What words alone say about the customer's mood: VADER's reading, with the playbook's own weights for service talk.

VADER: Hutto and Gilbert, 2014, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text".
"""

from collections.abc import Mapping
from typing import Protocol


class Analyzer(Protocol):
    """The part of `vaderSentiment.SentimentIntensityAnalyzer` that is used here."""

    lexicon: dict[str, float]

    def polarity_scores(self, text: str) -> dict[str, float]: ...


class Sentiment:
    """Reads a text with a lexicon. The analyzer is the caller's to load (it reads files) and is not shared."""

    def __init__(self, analyzer: Analyzer, valence: Mapping[str, float]) -> None:
        """`valence` corrects the lexicon, on its scale of -4 to 4; 0 takes a word's weight away."""
        self._analyzer = analyzer
        for word, weight in valence.items():
            if weight == 0:
                analyzer.lexicon.pop(word.lower(), None)
            else:
                analyzer.lexicon[word.lower()] = weight

    def read(self, text: str) -> float:
        """VADER's compound, -1 to 1."""
        return self._analyzer.polarity_scores(text)["compound"]

    def weight(self, word: str) -> float:
        """A single word's valence, -4 to 4, 0 for most words."""
        return self._analyzer.lexicon.get(word.lower(), 0.0)
