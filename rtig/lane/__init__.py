"""The model lane: utterances understood by a sentence encoder, in a process of its own beside the server.

Everything that needs the `models` extra is behind `new_reader`; the rest of rtig works without.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rtig.errors import EncoderUnavailable

if TYPE_CHECKING:
    from rtig.lane.reader import Reader


def new_reader(weights: Path | None = None, sha256: str | None = None) -> "Reader":
    """A model that has learned nothing yet. `weights`: an ONNX file; by default the one that is installed.

    Raises `EncoderUnavailable` where rtig is installed without its models, or the weights are not what they should be.
    """
    # Read by numpy as it is loaded, and by the tokenizer as it is used. With matrices as small and texts as short as
    # ours, threads cost more by waiting than they give.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from rtig.lane.encoder import Encoder
        from rtig.lane.reader import Reader

        return Reader(Encoder(weights, sha256))
    except ImportError as error:
        raise EncoderUnavailable(
            f"Meaning needs `{error.name}`: install rtig with its models, as in pip install 'rtig[models]'."
        ) from None
