"""The encoder's pass on ONNX Runtime: the default, on the CPU, in one thread, its products in int8."""

from pathlib import Path

import numpy as np
import onnxruntime

from rtig.errors import EncoderUnavailable
from rtig.lane.weights import JOINED, PARTS, SCALE, TRANSPOSED, Array, Weights

_MATRICES = "bert.encoder."
_WORDS = "bert.embeddings.word_embeddings.weight"


class OnnxPass:
    """`graph` names its weights (`rtig.training.packing`), and finds them here."""

    def __init__(self, graph: Path, weights: Weights) -> None:
        """Raises `EncoderUnavailable` where the graph does not fit the weights, or ONNX Runtime does not know it."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The graph is drawn as it is to run. Whatever else the runtime would join is slower: its SkipLayerNormalization
        # takes ten times as long as an addition and a LayerNormalization.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            given = {
                name: onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
                for name, array in in_graph(weights).items()
            }
            options.add_external_initializers(list(given), list(given.values()))
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        except KeyError as missing:
            raise EncoderUnavailable(f"The weights have no {missing}: they are not those of this encoder.") from None
        except Exception as error:  # its own kinds of exceptions have no public names
            raise EncoderUnavailable(f"{graph} cannot be run with these weights ({type(error).__name__}).") from None

    def run(self, ids: Array, mask: Array) -> tuple[Array, Array]:
        """The mean over the pieces and the first piece, shape (texts, width) each."""
        mean, first = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        return mean, first


def in_graph(weights: Weights) -> dict[str, Array]:
    """The weights by their names in the graph.

    Matrices that multiply stay int8 and stand the other way round; the words stay int8 too. The three parts of an
    attention, which are multiplied by the same, are one matrix. Raises `KeyError` for a weight that is missing.
    """
    found: dict[str, Array] = {_WORDS: weights.packed[_WORDS], _WORDS + SCALE: weights.scale(_WORDS)[:, None]}
    for name in weights:
        if not name.startswith("bert.") or name == _WORDS or any(part in name for part in PARTS[1:]):
            continue
        joined = name.replace(PARTS[0], JOINED)
        all_of_it = [name.replace(PARTS[0], part) for part in PARTS] if joined != name else [name]
        if name.startswith(_MATRICES) and name + SCALE in weights.packed:
            found[joined + TRANSPOSED] = np.concatenate([weights.packed[part] for part in all_of_it]).T
            found[joined + SCALE] = np.concatenate([weights.scale(part) for part in all_of_it])
        else:
            found[joined] = np.concatenate([weights[part] for part in all_of_it])
    return found
