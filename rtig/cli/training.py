"""`rtig train`: makes the weights in `models/` anew, from data and a seed."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, track

from rtig import lane, shipped
from rtig.cli.arguments import pretty
from rtig.errors import EncoderUnavailable
from rtig.evaluation.dialogues import read_dialogues
from rtig.evaluation.frustration import moods_alone

if TYPE_CHECKING:
    from rtig.training.corpus import Corpus
    from rtig.training.network import Network

app = typer.Typer(rich_markup_mode=None)
_console = Console(stderr=True)
_AT_ONCE = 64


@app.command()
def train(
    data: Annotated[
        Path, typer.Option(exists=True, file_okay=False, help="Folder of data sets; see models/README.md.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder for what is made; rtig's own when left out.")] = None,
    work: Annotated[
        Path, typer.Option(help="Folder for checkpoints: a run that was stopped goes on from there.")
    ] = Path("training"),
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    epochs: Annotated[float, typer.Option(min=0.01, help="How often everything is read.")] = 5.0,
    threads: Annotated[int, typer.Option(min=1, help="Of the processor.")] = 2,
    risk_only: Annotated[
        bool, typer.Option("--risk-only", help="Keep the encoder; fit what rests on it anew.")
    ] = False,
) -> None:
    """Fine-tune the encoder, fit the risk, and pack both for shipping."""
    try:
        import torch

        from rtig.training import corpus, fitting, packing
        from rtig.training.network import Network
    except ImportError as error:
        raise EncoderUnavailable(
            f"Training needs `{error.name}`: install rtig with what it takes, as in pip install 'rtig[train]'."
        ) from None
    torch.set_num_threads(threads)
    into = out if out is not None else shipped.model("")
    weights, trained = into / "encoder.en.safetensors", work / "trained.pt"
    made = corpus.read_corpus(data)
    if risk_only:
        network = Network(intents=len(made.intent_names))
        network.load_state_dict(torch.load(trained, weights_only=True))
    else:
        network = _fitted(made, work, seed, epochs)
        torch.save(network.state_dict(), trained)
    packing.draw_graph(network, into / "encoder.onnx")
    packing.pack(network, weights)
    packing.pack(network, weights, _found_out(made, data, into))
    facts = {
        "sha256": _sha256(weights),
        "seed": seed,
        "epochs": epochs,
        "sentences": {name: len(getattr(made, name)) for name in fitting.DRAWN},
        "intents": len(made.intent_names),
    }
    (into / "encoder.en.json").write_text(pretty(facts) + "\n", "utf-8")
    typer.echo(f"{weights}: SHA-256 {facts['sha256']}. Next: `make vectors`, then `rtig eval emotion`.")


def _fitted(made: "Corpus", work: Path, seed: int, epochs: float) -> "Network":
    from rtig.training import fitting

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeRemainingColumn(), console=_console) as bar:
        task = bar.add_task("training", total=None)

        def told(done: int, steps: int, losses: dict[str, float]) -> None:
            said = ", ".join(f"{name} {loss:.2f}" for name, loss in losses.items())
            bar.update(task, completed=done, total=steps, description=said)
            if not _console.is_terminal and done % fitting.SAVED_EVERY == 0:
                _console.print(f"step {done:,} of {steps:,}: {said}", soft_wrap=True)

        return fitting.fit(made, work, seed=seed, epochs=epochs, progress=told)


def _found_out(made: "Corpus", data: Path, into: Path) -> dict[str, Any]:
    """What rests on the encoder: from when on an emotion is called so, and what an utterance adds to the risk."""
    import numpy as np

    from rtig.training import risk, thresholds

    weights = into / "encoder.en.safetensors"
    encoder = lane.new_encoder(weights, _sha256(weights))
    some = made.held_out
    parts = track(range(0, len(some), _AT_ONCE), "emotions", console=_console)
    likely = np.vstack([encoder.scores([one.text for one in some[at : at + _AT_ONCE]])[1] for at in parts])
    dialogues = track(read_dialogues([data / "star" / "train.jsonl"]), "dialogues", console=_console)
    odds, strain = risk.fit(list(risk.look(moods_alone(), dialogues, encoder.tones, encoder.encode)))
    (into / "risk.en.json").write_text(msgspec.json.format(msgspec.json.encode(odds)).decode() + "\n", "utf-8")
    return {
        "emotions.least": thresholds.least_of(likely, [frozenset(one.emotions or ()) for one in some]),
        "strain.weight": strain.weights,
        "strain.bias": np.array([strain.bias], np.float32),
    }


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
