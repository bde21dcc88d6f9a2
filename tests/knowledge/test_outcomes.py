"""How rules did, counted from calls' logs: what was shown, what agents did with it, and what was held back."""

import msgspec
from calls import CALL, PLAYBOOK, SOURCE, playbook
from msgspec.structs import replace

from rtig.core import engine
from rtig.core.conditions import Means
from rtig.core.events import (
    AlertAnswered,
    AnyEvent,
    CallEnded,
    CallStarted,
    CardAnswered,
    CardMissed,
    PlaybookChanged,
    SegmentHeard,
    UtteranceRead,
)
from rtig.core.playbook import MeaningSource, Playbook
from rtig.core.triggers import Clause
from rtig.core.utterances import key_of
from rtig.knowledge.outcomes import Outcomes, RuleOutcome, Tally, as_recorded

BILL = "my bill has doubled"


def heard(number: int, text: str, *, final: bool = True, rev: int = 1) -> SegmentHeard:
    at = number * 4_000
    return SegmentHeard(
        call_id=CALL, segment_id=f"s{number}", rev=rev, party="customer", text=text, final=final,
        start_ms=at, end_ms=at + 900,
    )  # fmt: skip


def answered(action: str, number: int, reason: str = "", card: str = "bill.1") -> CardAnswered:
    given = {"call_id": CALL, "card_id": card, "action": action, "reason": reason, "at_ms": 5_000, "by": "a name"}
    return msgspec.convert(given | {"type": "card_answered", "answer_id": f"a{number}"}, CardAnswered)


def call(*events: AnyEvent, end_ms: int = 60_000) -> list[AnyEvent]:
    return [CallStarted(call_id=CALL, queue="billing"), *events, CallEnded(call_id=CALL, at_ms=end_ms)]


def counted(*calls: list[AnyEvent], rules: Playbook = PLAYBOOK) -> Outcomes:
    tally = Tally(rules)
    for number, events in enumerate(calls, 1):
        tally.add(as_recorded(rules, events), number * 1_000)
    return tally.report()


def of(report: Outcomes, rule: str = "bill") -> RuleOutcome:
    (found,) = [one for one in report.rules if one.rule == rule]
    return found


def test_what_was_shown_and_what_was_done_with_it() -> None:
    report = counted(
        call(heard(1, BILL), answered("opened", 1), answered("opened", 2), answered("useful", 3)),
        call(heard(1, BILL), answered("dismissed", 1, "known")),
        call(heard(1, "good morning")),
    )
    assert (report.calls, report.since, report.until, report.playbook) == (3, 1_000, 3_000, PLAYBOOK.version)
    bill = of(report)
    assert (bill.calls, bill.shown, bill.opened, bill.useful, bill.copied) == (2, 2, 1, 1, 0)
    assert bill.dismissed == {"known": 1}


def test_rules_that_did_nothing_are_told_too() -> None:
    report = counted()
    assert [one.rule for one in report.rules] == list(PLAYBOOK.rules)
    assert (report.calls, report.since, report.until) == (0, 0, 0)
    assert of(report).shown == 0


def test_what_was_held_back_is_counted_by_its_reason() -> None:
    report = counted(call(heard(1, BILL), heard(3, "the bill is higher"), heard(4, "restart the router")))
    assert of(report).withheld == {"cooldown": 1}
    assert of(report, "drafted").withheld == {"draft": 1}
    assert of(report, "faults-only").withheld == {"queue": 1}
    assert of(report, "drafted").draft


def test_a_card_that_came_too_late_was_seen_by_nobody() -> None:
    bill = of(counted(call(heard(1, BILL), CardMissed(call_id=CALL, card_id="bill.1"))))
    assert (bill.shown, bill.calls, bill.late) == (0, 0, 1)


def test_a_card_that_was_answered_was_there_whatever_today_s_rules_say() -> None:
    bill = of(counted(call(heard(1, "good morning"), answered("useful", 1))))
    assert (bill.shown, bill.calls, bill.useful) == (1, 1, 1)


def test_a_card_of_a_rule_that_is_gone_counts_nowhere() -> None:
    report = counted(call(answered("useful", 1, card="of-old.1"), CardMissed(call_id=CALL, card_id="of-old.2")))
    assert sum(one.useful + one.late for one in report.rules) == 0


def test_alerts_of_the_supervisors_count_as_raised_and_taken_on() -> None:
    rules = tuple(replace(rule, to="supervisors") if rule.id == "bill" else rule for rule in SOURCE.rules)
    taken = AlertAnswered(call_id=CALL, alert_id="bill", action="acknowledge", by="a name", at_ms=6_000, answer_id="x")
    bill = of(counted(call(heard(1, BILL), taken), call(heard(1, BILL)), rules=playbook(replace(SOURCE, rules=rules))))
    assert (bill.kind, bill.calls, bill.shown, bill.useful) == ("supervisors", 2, 2, 1)


def test_interim_words_and_changes_of_the_playbook_leave_no_trace() -> None:
    plain = call(heard(1, BILL), heard(9, "restart the router"))
    noisy = call(
        heard(1, "my bill", final=False), heard(1, BILL, rev=2),
        PlaybookChanged(call_id=CALL, version="x", at_ms=9_000),
        heard(9, "we start the", final=False), heard(9, "restart the router", rev=2),
    )  # fmt: skip
    assert counted(plain) == counted(noisy)


def test_what_a_model_understood_counts_though_other_meanings_have_changed_since() -> None:
    meant = Clause(Means("bill", "customer"))
    rules = tuple(replace(rule, clauses=(meant,)) if rule.id == "bill" else rule for rule in SOURCE.rules)
    meanings = (MeaningSource(id="bill", rule="bill", examples=("it is too dear",), competes=True),)
    today = playbook(replace(SOURCE, rules=rules, meanings=meanings))
    said = "you charge far too much"
    read = UtteranceRead(
        call_id=CALL, utterance=key_of("customer", said), meanings="of another day", scores={"bill": 0.9, "gone": 0.95}
    )
    events = call(heard(1, said), read)
    assert of(counted(events, rules=today)).shown == 1
    *_, last = engine.replay(today, CALL, events)
    assert "bill.1" not in last.call.told.cards  # as it stands in the log it would count for nothing


def test_there_is_no_word_and_no_name_in_a_count() -> None:
    said = counted(call(heard(1, f"{BILL} canary"), answered("dismissed", 1, "wrong")))
    assert "canary" not in repr(said)
    assert "a name" not in repr(said)
