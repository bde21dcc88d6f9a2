"""`rtig eval frustration` and `rtig eval emotion`: how well moods are read, in calls and in single texts."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig import lane
from rtig.cli.arguments import AsJson, count, existing
from rtig.cli.drawing import Curve, svg
from rtig.core.playbook import Playbook
from rtig.evaluation import curves
from rtig.evaluation import emotion as texts
from rtig.evaluation import frustration as calls
from rtig.evaluation.dialogues import Dialogue, read_dialogues

if TYPE_CHECKING:
    from rtig.lane.encoder import Encoder

_T = TypeVar("_T")
_AT_ONCE = 64
_GROUPS = 10
"""Of calls, by risk, whose mean risk is held against how many of them ended badly."""


class Heard(StrEnum):
    """How texts are given: as they were typed, without case and punctuation, or with a tenth of the words garbled."""

    TYPED = "typed"
    BARE = "bare"
    MISHEARD = "misheard"


AsHeard = Annotated[
    Heard,
    typer.Option(help="As typed; `bare`: without case and punctuation; `misheard`: and a tenth of words garbled."),
]


def frustration(
    data: Annotated[
        list[Path], typer.Option(help="JSON Lines of dialogues as STAR's: `turns`, `agent_report`. May be repeated.")
    ],
    folds: Annotated[
        int, typer.Option(min=0, help="Fit the weights anew for each of so many parts, on the others; 0: as shipped.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="How the parts and the misheard words are drawn.")] = 0,
    heard: AsHeard = Heard.TYPED,
    meaning: Annotated[
        bool, typer.Option("--meaning/--no-meaning", help="With the model, or from words alone.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(help="Draw found over false alarms as SVG, and the reliability beside it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how well the risk tells calls that end badly from the others, at their end and by their middle."""
    dialogues = read_dialogues([existing(path) for path in data])
    as_heard = _heard([[turn.text for turn in dialogue.turns] for dialogue in dialogues], heard, seed)
    dialogues = [
        dialogue._replace(
            turns=tuple(turn._replace(text=text) for turn, text in zip(dialogue.turns, said, strict=True))
        )
        for dialogue, said in zip(dialogues, as_heard, strict=True)
    ]
    playbook = calls.moods_alone()
    vader = SentimentIntensityAnalyzer()
    if folds:
        found = _cross_validated(playbook, dialogues, lane.new_encoder(), folds, seed, vader)
    else:
        read = _tones(lane.new_encoder()) if meaning else None
        found = [calls.outcome(playbook, dialogue, read, vader) for dialogue in _shown(dialogues, "dialogues")]
    report = calls.report(found)
    if out is not None:
        _draw(found, out)
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
        return
    columns = ("", "calls", "annoyed", "auc", "95 %", "ap", "by their middle", "vader auc", "vader middle")
    table = Table(*columns, *(("embeddings auc",) if folds else ()), box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, figures in (("all", report), ("not told to complain", report.untold)):
        if figures is not None:
            between = f"{figures.auc_95.low:.3f}-{figures.auc_95.high:.3f}"
            shares = [figures.ap, figures.early_recall, figures.vader_auc, figures.vader_early_recall]
            shares += [figures.embeddings_auc] if figures.embeddings_auc is not None else []
            cells = (f"{share:.3f}" for share in shares)
            table.add_row(name, str(figures.n), str(figures.annoyed), f"{figures.auc:.3f}", between, *cells)
    Console().print(table)


def emotion(
    data: Annotated[Path, typer.Option(help="JSON Lines with `text` and `labels`, as GoEmotions'.")],
    heard: AsHeard = Heard.TYPED,
    seed: Annotated[int, typer.Option(help="Which words are misheard.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Draw found over false alarms as SVG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say how well emotions are told in single texts."""
    labelled = texts.read_labelled(existing(data))
    as_heard = [said[0] for said in _heard([[one.text] for one in labelled], heard, seed)]
    encoder = lane.new_encoder()
    scored: list[texts.Scored] = []
    for first in _shown(range(0, len(as_heard), _AT_ONCE), "texts"):
        scored += [texts.Scored(one.likely, one.called) for one in encoder.emotions(as_heard[first : first + _AT_ONCE])]
    vader = SentimentIntensityAnalyzer()
    given = [one._replace(text=text) for one, text in zip(labelled, as_heard, strict=True)]
    report = texts.report(given, scored, lambda text: float(vader.polarity_scores(text)["compound"]))
    if out is not None:
        truth = [bool(one.labels & texts.NEGATIVE) for one in labelled]
        points = curves.receiver(truth, [texts.negative(one) for one in scored])
        drawn = svg("Negative emotions", "false alarms", "found", [Curve("a negative emotion", points)], low=0.0)
        out.write_text(drawn, "utf-8")
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
        return
    typer.echo(
        f"{count(report.n, 'text')}: AUC of the negative group {report.auc:.4f} (VADER {report.vader_auc:.4f}),"
        f" macro-F1 {report.macro_f1:.4f}"
    )


def _tones(encoder: "Encoder") -> calls.ReadTones:
    return lambda said: encoder.tones([one.text for one in said])


def _cross_validated(
    playbook: Playbook,
    dialogues: Sequence[Dialogue],
    encoder: "Encoder",
    folds: int,
    seed: int,
    vader: SentimentIntensityAnalyzer,
) -> list[calls.Outcome]:
    from rtig.training import risk  # scikit-learn takes a second to import

    looked = list(risk.look(playbook, _shown(dialogues, "dialogues"), encoder.tones, encoder.encode))
    judged = dict(risk.cross_validated(looked, folds, seed))
    return [
        calls.Outcome(
            one.annoyed,
            one.told,
            judged[at].risks[risk.MIDDLE],
            judged[at].risks[-1],
            *calls.compounds(dialogue, vader),
            by_meaning=judged[at].by_meaning,
        )
        for at, (one, dialogue) in enumerate(zip(looked, dialogues, strict=True))
    ]


def _heard(said: list[list[str]], heard: Heard, seed: int) -> list[list[str]]:
    if heard is Heard.TYPED:
        return said
    from rtig.training.wording import as_recognised  # the dictionary of sounds is in the `train` extra

    return as_recognised(said, garbled=heard is Heard.MISHEARD, seed=seed)


def _draw(found: Sequence[calls.Outcome], out: Path) -> None:
    truth = [one.annoyed for one in found]
    drawn = [
        Curve("at the end", curves.receiver(truth, [one.end for one in found])),
        Curve("by the middle", curves.receiver(truth, [one.middle for one in found])),
        Curve("VADER at the end", curves.receiver(truth, [-one.vader_end for one in found])),
    ]
    out.write_text(svg("Calls that end badly", "false alarms", "found", drawn, low=0.0), "utf-8")
    groups = curves.reliability(truth, [one.end for one in found], _GROUPS)
    said = Curve("a tenth of the calls each", [(group.said, group.true) for group in groups])
    right = Curve("as it should be", [(0.0, 0.0), (1.0, 1.0)])
    reliability = svg("Is the risk right?", "risk", "ended badly", [said, right], low=0.0)
    out.with_name(f"{out.stem}-reliability{out.suffix}").write_text(reliability, "utf-8")


def _shown(items: Sequence[_T], what: str) -> Iterable[_T]:
    return track(items, f"{len(items):,} {what}", console=Console(stderr=True), transient=True)
