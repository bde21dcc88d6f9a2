"""Makes what ships of a trained network: its weights in a quarter of their size, and the graph that runs them.

Every row of a matrix becomes int8 with a scale of its own. The graph multiplies them as they are, by the rows of what
is to be encoded, each of which becomes int8 in its turn as it comes: so no text's vector depends on the texts beside
it. The graph holds no weights but names them (`rtig.lane.on_onnx` gives them), so there is one copy for all. Beside the
standard's operators it needs some that ONNX Runtime has had for years (`com.microsoft`).
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from safetensors.numpy import save

from rtig.lane.weights import JOINED, PARTS, SCALE, TRANSPOSED
from rtig.training.network import Network

STEPS, STEPS_OF_A_PRODUCT = 127, 63
"""On each side of 0. Those of the matrices that are multiplied as int8 are half as many: older processors (AVX2) add
two products of 8 bits in 16, and more would not fit."""
_OPSET, _IR_VERSION, _MICROSOFT = 18, 9, "com.microsoft"
_SMALL = 64
"""Matrices of so many rows and columns are not worth packing."""
_ZERO, _LARGEST = 128, 127
"""Of what is multiplied with them: a byte, and what stands for 0."""


def pack(network: Network, file: Path, others: Mapping[str, NDArray[np.float32]] = MappingProxyType({})) -> None:
    """Write the weights, and what was found out about them afterwards: `emotions.least`, `strain.weight` and so on."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, tensor in network.state_dict().items():
        if name == "intents" or name.startswith("bert.pooler") or name.endswith("position_ids"):
            continue
        array = tensor.detach().float().numpy()
        if array.ndim == 2 and array.size > _SMALL**2:
            steps = STEPS_OF_A_PRODUCT if name.startswith("bert.encoder.") else STEPS
            scales = np.maximum(np.abs(array).max(axis=1) / steps, np.finfo(np.float16).tiny).astype(np.float16)
            arrays[name] = np.rint(array / scales[:, None].astype(np.float32)).clip(-steps, steps).astype(np.int8)
            arrays[name + SCALE] = scales
        else:
            arrays[name] = array.astype(np.float32)
    file.write_bytes(save(arrays | dict(others)))


def draw_graph(network: Network, file: Path) -> None:
    """Write the graph as ONNX: ids and mask in; the mean over the pieces and the first piece out."""
    config = network.bert.config
    draw = _Drawing({name: tuple(tensor.shape) for name, tensor in network.state_dict().items()})
    draw("Cast", "attention_mask", as_="heeded", to=TensorProto.INT32)
    hidden = _embedded(draw, config.layer_norm_eps)
    for layer in range(config.num_hidden_layers):
        hidden = _layer(draw, f"bert.encoder.layer.{layer}.", hidden, config.num_attention_heads, config.layer_norm_eps)
    held = draw("Cast", "attention_mask", as_="held", to=TensorProto.FLOAT)
    row = draw("Unsqueeze", held, draw.constant("1", np.array([1])), as_="held.row")
    summed = draw("Squeeze", draw("MatMul", row, hidden, as_="summed.row"), "1", as_="summed")
    draw("Div", summed, draw("ReduceSum", held, "1", as_="pieces", keepdims=1), as_="mean")
    draw("Gather", hidden, draw.constant("0", np.array(0)), as_="first", axis=1)
    inputs, outputs = {"input_ids": TensorProto.INT64, "attention_mask": TensorProto.INT64}, ("mean", "first")
    model = helper.make_model(
        helper.make_graph(
            draw.nodes,
            "encoder",
            [helper.make_tensor_value_info(name, kind, ("texts", "pieces")) for name, kind in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ("texts", config.hidden_size)) for name in outputs],
            list(draw.initializers.values()),
        ),
        opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)],
        ir_version=_IR_VERSION,
    )
    file.write_bytes(model.SerializeToString())


class _Drawing:
    """Nodes, each named by what it gives, and what they need; `shapes` are those of the weights."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.shapes = shapes

    def __call__(self, operator: str, *inputs: str, as_: str, domain: str = "", **attributes: Any) -> str:
        """Draw a node with one output; its name."""
        self.nodes.append(helper.make_node(operator, inputs, [as_], domain=domain, **attributes))
        return as_

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers[name] = numpy_helper.from_array(value, name)
        return name

    def weight(self, name: str, shape: tuple[int, ...] = (), kind: int = TensorProto.FLOAT) -> str:
        """A weight that is given when the graph is loaded; without a shape it has that of training."""
        given = TensorProto(name=name, dims=shape or self.shapes[name], data_type=kind)
        given.data_location = TensorProto.EXTERNAL
        given.external_data.add(key="location", value="weights")
        self.initializers[name] = given
        return name

    def product(self, rows: str, name: str, shape: tuple[int, int]) -> str:
        """`rows` times a packed matrix, both as int8. A row's own scale is its largest value's."""
        out, into = shape
        size = self("Abs", rows, as_=f"{name}.size")
        most = self("ReduceMax", size, self.constant("-1", np.array([-1])), as_=f"{name}.most", keepdims=1)
        step = self("Mul", most, self.constant("step", np.array(1 / _LARGEST, np.float32)), as_=f"{name}.step")
        steps = self("Div", rows, step, as_=f"{name}.steps")
        one, zero = self.constant("one", np.array(1, np.float32)), self.constant("zero", np.array(_ZERO, np.uint8))
        packed = self("QuantizeLinear", steps, one, zero, as_=f"{name}.bytes")
        matrix = self.weight(name + TRANSPOSED, (into, out), TensorProto.INT8)
        scales = self.weight(name + SCALE, (out,))
        product = self(
            "MatMulIntegerToFloat", packed, matrix, one, scales, zero, as_=f"{name}.product", domain=_MICROSOFT
        )
        return self("Mul", product, step, as_=f"{name}.result")

    def normal(self, rows: str, name: str, epsilon: float) -> str:
        weight, bias = self.weight(name + ".weight"), self.weight(name + ".bias")
        return self("LayerNormalization", rows, weight, bias, as_=f"{name}.result", epsilon=epsilon)


def _embedded(draw: _Drawing, epsilon: float) -> str:
    """Words stay packed and are unpacked as they come: they are half of all weights."""
    of = "bert.embeddings."
    words = of + "word_embeddings.weight"
    many, width = draw.shapes[words]
    packed = draw("Gather", draw.weight(words, (many, width), TensorProto.INT8), "input_ids", as_="words.packed")
    scales = draw("Gather", draw.weight(words + SCALE, (many, 1)), "input_ids", as_="words.scales")
    said = draw("Mul", draw("Cast", packed, as_="words.steps", to=TensorProto.FLOAT), scales, as_="words")
    longest = draw("Shape", "input_ids", as_="pieces.many", start=1, end=2)
    first = draw.constant("[0]", np.array([0]))
    places = draw("Slice", draw.weight(of + "position_embeddings.weight"), first, longest, first, as_="places")
    kinds = draw.weight(of + "token_type_embeddings.weight")
    kind = draw("Slice", kinds, first, draw.constant("1", np.array([1])), first, as_="kind")
    placed = draw("Add", said, draw("Add", places, kind, as_="places.kind"), as_="words.placed")
    return draw.normal(placed, of + "LayerNorm", epsilon)


def _layer(draw: _Drawing, of: str, hidden: str, heads: int, epsilon: float) -> str:
    width = draw.shapes[of + "output.dense.weight"][0]
    inner = draw.shapes[of + "intermediate.dense.weight"][0]
    joined = draw.product(hidden, of + JOINED + ".weight", (len(PARTS) * width, width))
    parts = [of + part for part in PARTS]
    draw.nodes.append(helper.make_node("Split", [joined], parts, axis=-1, num_outputs=len(parts)))
    bias = draw.weight(of + JOINED + ".bias", (len(PARTS) * width,))
    heard = draw("MultiHeadAttention", *parts, bias, "heeded", as_=f"{of}heard", domain=_MICROSOFT, num_heads=heads)
    seen = draw.product(heard, of + "attention.output.dense.weight", (width, width))
    seen = draw("Add", seen, draw.weight(of + "attention.output.dense.bias"), as_=f"{of}seen")
    seen = draw.normal(draw("Add", seen, hidden, as_=f"{of}seen.sum"), of + "attention.output.LayerNorm", epsilon)
    inside = draw.product(seen, of + "intermediate.dense.weight", (inner, width))
    bent = draw("BiasGelu", inside, draw.weight(of + "intermediate.dense.bias"), as_=f"{of}bent", domain=_MICROSOFT)
    out = draw.product(bent, of + "output.dense.weight", (width, inner))
    out = draw("Add", out, draw.weight(of + "output.dense.bias"), as_=f"{of}out")
    return draw.normal(draw("Add", out, seen, as_=f"{of}out.sum"), of + "output.LayerNorm", epsilon)
