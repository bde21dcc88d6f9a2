"""The encoder's pass on torch and transformers: where there is a GPU. On a CPU it gives the same, more slowly."""

import torch
from transformers import BertConfig, BertModel

from rtig.errors import EncoderUnavailable
from rtig.lane.weights import Array, Weights

_PREFIX = "bert."
_HEADS = 12


class TorchPass:
    def __init__(self, weights: Weights, device: str) -> None:
        """Raises `EncoderUnavailable` where torch finds no such device."""
        if device == "cuda" and not torch.cuda.is_available():
            raise EncoderUnavailable("torch finds no GPU on this machine.")
        self._device = torch.device(device)
        self._model = bert(weights)
        self._model.to(self._device)  # type: ignore[arg-type,unused-ignore]

    def run(self, ids: Array, mask: Array) -> tuple[Array, Array]:
        """The mean over the pieces and the first piece, shape (texts, width) each."""
        with torch.inference_mode():
            given, held = torch.from_numpy(ids).to(self._device), torch.from_numpy(mask).to(self._device)
            hidden = self._model(input_ids=given, attention_mask=held).last_hidden_state
            weights = held[:, :, None].to(hidden.dtype)
            mean = (hidden * weights).sum(1) / weights.sum(1)
            return mean.cpu().numpy(), hidden[:, 0].cpu().numpy()


def bert(weights: Weights) -> torch.nn.Module:
    """The encoder with these weights, in float32, ready to read."""
    found = {
        name.removeprefix(_PREFIX): torch.from_numpy(array)
        for name, array in weights.items()
        if name.startswith(_PREFIX)
    }
    pieces, width = found["embeddings.word_embeddings.weight"].shape
    layers = 1 + max(int(name.split(".")[2]) for name in found if name.startswith("encoder.layer."))
    config = BertConfig(
        vocab_size=pieces, hidden_size=width, num_hidden_layers=layers, num_attention_heads=_HEADS,
        intermediate_size=len(found["encoder.layer.0.intermediate.dense.bias"]),
        max_position_embeddings=len(found["embeddings.position_embeddings.weight"]),
    )  # fmt: skip
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(found)
    return model.train(False)  # type: ignore[no-any-return]
