"""The risk of calls, evaluated: dialogues go through the fold, and what is said at their middle and end is counted."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig import knowledge
from rtig.core.events import Tone
from rtig.core.frustration import Odds, Risk
from rtig.core.playbook import Playbook, Source
from rtig.core.utterances import Utterance
from rtig.evaluation import frustration
from rtig.evaluation.dialogues import Dialogue, Turn
from rtig.evaluation.frustration import Outcome

VADER = SentimentIntensityAnalyzer()
ODDS = Risk(Odds(-1.0, {"upset": 4.0}), Odds(-1.0, {"words": -4.0}))


def playbook() -> Playbook:
    made = knowledge.compiled(Source(name="moods"))
    made.temper = replace(made.temper, risk=ODDS)
    return made


def dialogue(*said: str, annoyed: bool = False) -> Dialogue:
    parties = ("customer", "agent")
    turns = tuple(Turn(parties[n % 2], 10_000 * n, text) for n, text in enumerate(said))  # type: ignore[arg-type]
    return Dialogue("d", turns, annoyed, told=False)


def tones(utterances: Sequence[Utterance]) -> list[Tone]:
    return [Tone(upset=0.9 if "awful" in one.text else 0.1, pleased=0.0) for one in utterances]


def test_the_risk_is_looked_at_by_the_middle_and_at_the_end() -> None:
    call = dialogue("hello there", "hello", "this is awful", "sorry")
    found = frustration.outcome(playbook(), call, tones, VADER)
    assert found.middle == pytest.approx(1 / (1 + 2.718281828 ** (1.0 - 4 * 0.1)))
    assert found.end == pytest.approx(1 / (1 + 2.718281828 ** (1.0 - 4 * 0.5)))
    assert found.vader_middle == 0.0
    assert found.vader_end < -0.2


def test_without_a_model_words_alone_count() -> None:
    found = frustration.outcome(playbook(), dialogue("this is awful"), None, VADER)
    assert found.end > 0.5
    assert frustration.outcome(playbook(), dialogue(), None, VADER).end == pytest.approx(1 / (1 + 2.718281828))


def test_the_report_sets_those_who_were_told_to_complain_apart() -> None:
    found = [
        Outcome(True, False, 0.9, 0.9, -0.5, -0.5), Outcome(True, True, 0.1, 0.2, 0.5, 0.5),
        Outcome(False, False, 0.2, 0.3, 0.1, 0.1), Outcome(False, True, 0.1, 0.1, 0.2, 0.2),
    ]  # fmt: skip
    report = frustration.report(found)
    assert (report.n, report.annoyed, report.auc, report.vader_auc) == (4, 2, 0.75, 0.5)
    assert report.early_recall == 0.5
    assert report.untold is not None
    assert (report.untold.n, report.untold.auc, report.untold.auc_95.high) == (2, 1.0, 1.0)
    assert report.brier == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)
    assert frustration.report([one._replace(told=False) for one in found]).untold is None
