"""The pass on torch gives the same as that on ONNX Runtime, but for what int8 costs."""

import numpy as np
import pytest

pytest.importorskip("onnxruntime", reason="rtig's `models` extra is not installed")
pytest.importorskip("transformers", reason="transformers comes with rtig's `train` extra, which is not installed")
pytest.importorskip("torch", reason="torch comes with rtig's `train` extra, which is not installed")

import torch

from rtig import lane, shipped
from rtig.core.text import normal
from rtig.errors import EncoderUnavailable
from rtig.lane.encoder import Encoder
from rtig.lane.remembered import remembered

NEAR, MOSTLY_WITHIN, WITHIN = 0.98, 0.1, 0.2
"""Cosine of a meaning, and difference of a mood's likelihood, between the two: of 98 sentences in 100, and of all."""


def test_both_read_the_same() -> None:
    said = shipped.model("negatives.en.txt").read_text("utf-8").splitlines()[5::25]
    texts = [normal(line) for line in said if line and not line.startswith("# ")]
    texts += ["this is the third time i call and nobody helps me", "thank you so much that is brilliant"]
    nothing = remembered("", ())
    onnx, on_torch = (Encoder(known=nothing, device=device) for device in ("cpu", "torch"))
    assert (np.sum(onnx.encode(texts) * on_torch.encode(texts), axis=1) >= NEAR).all()
    (moods, emotions), (moods_of_torch, emotions_of_torch) = onnx.scores(texts), on_torch.scores(texts)
    for one, other in ((moods, moods_of_torch), (emotions, emotions_of_torch)):
        apart = np.abs(one - other).max(axis=1)
        assert np.percentile(apart, 98) <= MOSTLY_WITHIN
        assert apart.max() <= WITHIN
    assert onnx.version == on_torch.version


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there() -> None:
    assert Encoder(device="auto")
    with pytest.raises(EncoderUnavailable, match="torch finds no GPU"):
        lane.new_reader(device="cuda")
