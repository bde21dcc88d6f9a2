"""The figures: what is counted has its name, and percentiles are those of what was recorded."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rtig.core.guidance import Alert, Card, Why, Withheld
from rtig.gateway.metrics import LAG, LONGEST_US, READING, STAGES, Metrics


def values(metrics: Metrics) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.page().decode())
        for sample in family.samples
    }


def card() -> Card:
    return Card(
        call_id="c1",
        id="bill.1",
        state="confirmed",
        kind="article",
        title="Bill",
        say="",
        body="",
        why=Why(rule="bill", playbook="p", condition=""),
        priority=50,
        at_ms=0,
        shown_ms=0,
        expires_ms=1,
        cause=1,
    )


def alert() -> Alert:
    return Alert(
        call_id="c1",
        id="legal",
        state="open",
        title="Legal",
        level="calm",
        raised=1,
        raised_ms=0,
        at_ms=0,
        why=Why(rule="legal", playbook="p", condition=""),
        cause=1,
    )


def test_counts_have_names_and_labels() -> None:
    metrics = Metrics()
    metrics.webhook["retried"] += 3
    metrics.messages["segment"] += 3
    metrics.refused["bad_json"] += 1
    metrics.connections["agent"] += 2
    metrics.closed["too_slow"] += 1
    metrics.redactions["card"] += 4
    metrics.durable += 5
    metrics.largest_outbox = 8
    metrics.live_calls = lambda: 6
    metrics.busy = lambda: 0.25
    metrics.full = lambda: True
    metrics.admitted = 11
    metrics.took(LAG, 20_000_000)
    metrics.log_commits = lambda: 7
    metrics.lane_state = lambda: "on"
    metrics.lane_counts = lambda: {"read": 9, "shed": 1}
    metrics.lane_restarts = lambda: 2
    metrics.told((card(), Withheld(call_id="c1", rule="bill", reason="cooldown", at_ms=0), alert()))
    assert (
        values(metrics).items()
        >= {
            ("rtig_messages_total", "type=segment"): 3,
            ("rtig_alerts_total", "state=open"): 1,
            ("rtig_webhook_total", "outcome=retried"): 3,
            ("rtig_refused_total", "code=bad_json"): 1,
            ("rtig_connections", "role=agent"): 2,
            ("rtig_connections_closed_total", "code=too_slow"): 1,
            ("rtig_redactions_total", "kind=card"): 4,
            ("rtig_events_durable_total",): 5,
            ("rtig_outbox_largest_bytes",): 8,
            ("rtig_live_calls",): 6,
            ("rtig_loop_busy",): 0.25,
            ("rtig_at_capacity",): 1,
            ("rtig_calls_admitted_total",): 11,
            ("rtig_log_commits_total",): 7,
            ("rtig_lane", "state=on"): 1,
            ("rtig_lane", "state=down"): 0,
            ("rtig_lane_utterances_total", "outcome=read"): 9,
            ("rtig_lane_utterances_total", "outcome=shed"): 1,
            ("rtig_lane_restarts_total",): 2,
            ("rtig_cards_total", "kind=article", "state=confirmed"): 1,
            ("rtig_withheld_total", "reason=cooldown"): 1,
        }.items()
    )


def test_the_longest_delay_of_the_loop_is_among_the_figures() -> None:
    metrics = Metrics()
    metrics.took(LAG, 20_000_000)
    metrics.took(LAG, 1_000)
    found = values(metrics)
    assert found["rtig_loop_lag_seconds", "percentile=100"] == pytest.approx(0.02, rel=0.002)


def test_percentiles_are_those_of_what_was_recorded() -> None:
    metrics = Metrics()
    for stage in (*STAGES, READING, LAG):
        assert metrics.percentile(stage, 99) == 0
    for millis in range(1, 1001):
        metrics.took("total", millis * 1_000_000)
    assert metrics.percentile("total", 50) == pytest.approx(0.5, rel=0.002)
    assert metrics.percentile("total", 99) == pytest.approx(0.99, rel=0.002)
    found = values(metrics)
    assert found["rtig_card_latency_seconds", "percentile=99.9", "stage=total"] == pytest.approx(0.999, rel=0.002)
    assert found["rtig_card_latency_recorded_total",] == 1000


@pytest.mark.parametrize("ns", [-5, 0, 10**18])
def test_no_time_is_too_strange_to_record(ns: int) -> None:
    metrics = Metrics()
    metrics.took("write", ns)
    assert 0 < metrics.percentile("write", 100) <= LONGEST_US / 1e6 * 1.001


def test_servers_in_one_process_do_not_share_figures() -> None:
    one, two = Metrics(), Metrics()
    one.messages["segment"] += 1
    assert ("rtig_messages_total", "type=segment") not in values(two)
