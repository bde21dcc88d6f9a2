"""The model lane: utterances understood by a sentence encoder, in a process of its own beside the server.

Everything that needs the `models` extra is behind these two functions; the rest of rtig works without.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rtig.errors import EncoderUnavailable

if TYPE_CHECKING:
    from rtig.lane.encoder import Device, Encoder
    from rtig.lane.reader import Reader


def new_encoder(weights: Path | None = None, sha256: str | None = None, device: "Device" = "auto") -> "Encoder":
    """The encoder; `weights` None: the one that comes with rtig.

    Raises `EncoderUnavailable` where rtig is installed without its models, or the weights are not what they should be.
    """
    # Read by numpy as it is loaded, and by the tokenizer as it is used. With matrices as small and texts as short as
    # ours, threads cost more by waiting than they give.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from rtig.lane.encoder import Encoder

        return Encoder(weights, sha256, device=device)
    except ImportError as error:
        extra = "train" if device in ("cuda", "torch") and error.name in ("torch", "transformers") else "models"
        raise EncoderUnavailable(
            f"The model needs `{error.name}`: install rtig with it, as in pip install 'rtig[{extra}]'."
        ) from None


def new_reader(weights: Path | None = None, sha256: str | None = None, device: "Device" = "auto") -> "Reader":
    """A model that has learned nothing yet. Raises `EncoderUnavailable` as `new_encoder` does."""
    encoder = new_encoder(weights, sha256, device)
    from rtig.lane.reader import Reader  # needs the same extra

    return Reader(encoder)
