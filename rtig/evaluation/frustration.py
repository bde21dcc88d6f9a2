"""How well the risk tells the calls that end badly from the others, at their end and by their middle.

Labelled dialogues go through the fold with a model's readings of the customer's utterances, as a live call would.
Beside the risk stands what others do: VADER's compound in the mean over the customer's turns.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig import knowledge
from rtig.core import engine, frustration
from rtig.core.call import Call
from rtig.core.events import Tone, UtteranceRead
from rtig.core.playbook import Playbook
from rtig.core.utterances import Utterance
from rtig.evaluation import curves
from rtig.evaluation.curves import Interval
from rtig.evaluation.dialogues import Dialogue, events

FALSE_ALARMS = 0.05
"""Of the calls that end well, how many may be flagged by their middle."""

ReadTones = Callable[[Sequence[Utterance]], Sequence[Tone]]


class Outcome(NamedTuple):
    """What came of a dialogue. `middle` and `end` are risks, 0 to 1, those of `vader` mean compounds, -1 to 1.

    `by_meaning`: a probability from the mean of the customer's utterances as vectors, where folds were fitted.
    """

    annoyed: bool
    told: bool
    middle: float
    end: float
    vader_middle: float
    vader_end: float
    by_meaning: float | None = None


class Figures(Struct, frozen=True, kw_only=True):
    """`early_recall`: share of the annoyed calls flagged by their middle at `FALSE_ALARMS`.

    `brier` and `brier_base`: mean squared error of the risk, and of saying the same of every call.
    """

    n: int
    annoyed: int
    auc: float
    auc_95: Interval
    ap: float
    early_recall: float
    vader_auc: float
    vader_ap: float
    vader_early_recall: float
    embeddings_auc: float | None = None
    """Of a logistic regression on the mean of the customer's utterances as vectors; with `--folds` alone."""
    brier: float
    brier_base: float


class Report(Figures, frozen=True, kw_only=True):
    untold: Figures | None = None
    """Without the customers whose script told them to complain."""


def moods_alone() -> Playbook:
    """What the knowledge base that comes with rtig says of moods, without its cards."""
    source = knowledge.load(knowledge.shipped())
    return knowledge.compiled(replace(source, rules=(), checklists=(), meanings=(), slots=()))


def played(playbook: Playbook, dialogue: Dialogue, read: ReadTones | None) -> Iterator[Call]:
    """The call as it starts and after each of its turns, with what the model reads in it."""
    rehearsal = engine.Rehearsal(playbook, dialogue.name)
    start, *turns = events(dialogue)
    list(rehearsal.hear(start))
    yield rehearsal.call
    for turn in turns:
        list(rehearsal.hear(turn))
        waiting = [one for one in engine.unread(playbook, rehearsal.call) if one.party == "customer"]
        if read is not None and waiting:
            for one, tone in zip(waiting, read(waiting), strict=True):
                reading = UtteranceRead(
                    call_id=dialogue.name, utterance=one.key, meanings=playbook.meanings_version, tone=tone
                )
                list(rehearsal.hear(reading))
        yield rehearsal.call


def outcome(
    playbook: Playbook, dialogue: Dialogue, read: ReadTones | None, vader: SentimentIntensityAnalyzer
) -> Outcome:
    risks = [frustration.risk(playbook.temper, call.weighing.state) for call in played(playbook, dialogue, read)]
    return Outcome(dialogue.annoyed, dialogue.told, risks[middle(dialogue)], risks[-1], *compounds(dialogue, vader))


def middle(dialogue: Dialogue) -> int:
    """How many turns are half of them."""
    return round(0.5 * len(dialogue.turns))


def compounds(dialogue: Dialogue, vader: SentimentIntensityAnalyzer) -> tuple[float, float]:
    """VADER's mean over the customer's turns by the middle, and by the end."""
    found = []
    for turns in (middle(dialogue), len(dialogue.turns)):
        said = [turn.text for turn in dialogue.turns[:turns] if turn.party == "customer"]
        found.append(float(sum(vader.polarity_scores(text)["compound"] for text in said)) / max(1, len(said)))
    return found[0], found[1]


def report(found: Sequence[Outcome]) -> Report:
    untold = [one for one in found if not one.told]
    mixed = len(untold) < len(found) and len({one.annoyed for one in untold}) == 2
    return Report(**msgspec.structs.asdict(_figures(found)), untold=_figures(untold) if mixed else None)


def _figures(found: Sequence[Outcome]) -> Figures:
    truth = [one.annoyed for one in found]
    risk = [one.end for one in found]
    vader = [-one.vader_end for one in found]
    meant = [one.by_meaning for one in found]
    share = sum(truth) / len(truth)

    def resampled(places: Sequence[int]) -> float:
        return curves.auc([truth[at] for at in places], [risk[at] for at in places])

    interval = curves.bootstrap(len(found), resampled)
    figures = {
        "auc": curves.auc(truth, risk),
        "ap": curves.average_precision(truth, risk),
        "early_recall": curves.recall_at(truth, [one.middle for one in found], FALSE_ALARMS),
        "vader_auc": curves.auc(truth, vader),
        "vader_ap": curves.average_precision(truth, vader),
        "vader_early_recall": curves.recall_at(truth, [-one.vader_middle for one in found], FALSE_ALARMS),
        "brier": sum((said - is_true) ** 2 for said, is_true in zip(risk, truth, strict=True)) / len(found),
        "brier_base": share * (1 - share),
    }
    return Figures(
        n=len(found),
        annoyed=sum(truth),
        auc_95=Interval(low=round(interval.low, 4), high=round(interval.high, 4)),
        embeddings_auc=None if None in meant else round(curves.auc(truth, [one or 0.0 for one in meant]), 4),
        **{name: round(value, 4) for name, value in figures.items()},
    )
