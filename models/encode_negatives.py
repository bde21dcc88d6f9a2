"""Encodes the negatives anew, after `negatives.*.txt` or the encoder has changed: `make vectors`.

Ten seconds of one core. A test fails while a negative has no vector.
"""

from pathlib import Path

from rtig.core.text import normal
from rtig.lane.encoder import Encoder
from rtig.lane.remembered import remember, remembered


def main() -> None:
    encoder = Encoder(known=remembered("", ()))
    for file in sorted(Path(__file__).parent.glob("negatives.*.txt")):
        lines = file.read_text("utf-8").splitlines()
        texts = sorted({normal(line) for line in lines if line and not line.startswith("# ")})
        remember(file.with_suffix(".npz"), encoder.version, texts, encoder.encode(texts))


if __name__ == "__main__":
    main()
