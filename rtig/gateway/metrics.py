"""What a server counts and times, for Prometheus. No call, no customer and no word of theirs is ever in a label.

Plain numbers of one event loop, which cost nothing to count, and a collector that names them when they are asked for.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from hdrh.histogram import HdrHistogram
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from rtig import __version__
from rtig.core.guidance import Alert, Card, Guidance, Withheld
from rtig.errors import Code
from rtig.gateway.latency import Latencies
from rtig.wire.latency import Latency
from rtig.wire.messages import LaneState

STAGES = ("decode", "append", "fold", "encode", "write", "total")
"""From the first byte of a source's message to the card's frame being given to its transport."""
READING = "reading"
"""From an utterance being asked for to the model's answer."""
LAG = "lag"
"""How late the loop came to what was due."""
_TIMED = (*STAGES, READING, LAG)
LANE_STATES = ("off", "starting", "on", "down")
PERCENTILES = (50.0, 90.0, 99.0, 99.9, 100.0)
LONGEST_US = 60_000_000


class Metrics:
    """One server's figures; each has its own registry, so that many servers may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        self.messages: Counter[str] = Counter()
        """Messages taken from clients, by type."""
        self.refused: Counter[str] = Counter()
        """Messages not taken, by code."""
        self.closed: Counter[str] = Counter()
        """Connections that the server closed, by code; `too_slow` are those that came too late."""
        self.connections: Counter[str] = Counter()
        """Connections that are there now, by role."""
        self.cards: Counter[tuple[str, str]] = Counter()
        self.withheld: Counter[str] = Counter()
        self.alerts: Counter[str] = Counter()
        """Alerts for supervisors as they entered a state."""
        self.webhook: Counter[str] = Counter()
        """Changes of alerts by what became of telling them elsewhere: `sent`, `retried`, `failed`, `dropped`."""
        self.redactions: Counter[str] = Counter()
        self.admitted = 0
        """Calls that were taken; those that were not are among `refused`, as `at_capacity`."""
        self.durable = 0
        """Events of clients that were acknowledged."""
        self.largest_outbox = 0
        """The most bytes that were unsent to one connection, of the connections that are gone."""
        self.playbook_errors = 0
        """Mistakes in the knowledge base as it is now; the last playbook without any stays in use."""
        self.lane_state: Callable[[], LaneState] = lambda: "off"
        self.lane_counts: Callable[[], Mapping[str, int]] = dict
        """Utterances by what became of them."""
        self.lane_restarts: Callable[[], int] = lambda: 0
        self.live_calls: Callable[[], int] = lambda: 0
        self.busy: Callable[[], float] = lambda: 0.0
        """Share of the time that the loop was at work lately."""
        self.full: Callable[[], bool] = lambda: False
        """Whether new calls are refused now."""
        self.log_commits: Callable[[], int] = lambda: 0
        self.since = time.monotonic()
        self.latencies = Latencies(_TIMED)
        """For the operator's page, which asks every few seconds; those below are for Prometheus."""
        self._latency = {stage: HdrHistogram(1, LONGEST_US, 3) for stage in _TIMED}
        self.registry.register(self)

    def told(self, items: Iterable[Guidance]) -> None:
        """Count what an event brought."""
        for item in items:
            if isinstance(item, Card):
                self.cards[item.kind, item.state] += 1
            elif isinstance(item, Withheld):
                self.withheld[item.reason] += 1
            elif isinstance(item, Alert):
                self.alerts[item.state] += 1

    def took(self, stage: str, ns: int) -> None:
        """Record how long a stage took for an event that brought a card, or a reading, or how late the loop was."""
        us = min(max(ns // 1000, 1), LONGEST_US)
        self._latency[stage].record_value(us)
        self.latencies.record(stage, us)

    def percentile(self, stage: str, percentile: float) -> float:
        """Seconds; 0 before anything was recorded."""
        return self._percentiles(stage, (percentile,))[percentile]

    def _percentiles(self, stage: str, wanted: tuple[float, ...]) -> dict[float, float]:
        """All of them in one walk over the histogram: each takes the time of some cards, in the loop that serves."""
        histogram = self._latency[stage]
        if not histogram.total_count:
            return dict.fromkeys(wanted, 0.0)
        return {percentile: us / 1e6 for percentile, us in histogram.get_percentile_to_value_dict(wanted).items()}

    def latency(self, problems: Iterable[str]) -> Latency:
        """What an operator is told; `problems` are those that keep clients away."""
        return Latency(
            server=__version__,
            up_seconds=round(time.monotonic() - self.since, 1),
            problems=tuple(problems),
            stages=self.latencies.stages(),
            live_calls=self.live_calls(),
            busy=round(self.busy(), 3),
            admitted=self.admitted,
            connections={role: count for role, count in sorted(self.connections.items()) if count},
            late=self.withheld["late"],
            shed=self.lane_counts().get("shed", 0),
            too_slow=self.closed[Code.TOO_SLOW],
            refused=dict(sorted(self.refused.items())),
            lane=self.lane_state(),
            lane_restarts=self.lane_restarts(),
        )

    def page(self) -> bytes:
        """The figures in Prometheus' text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        yield _counts("rtig_messages", "Messages taken from clients.", ("type",), self.messages)
        yield _counts("rtig_refused", "Messages not taken.", ("code",), self.refused)
        yield _counts("rtig_connections_closed", "Connections closed by the server.", ("code",), self.closed)
        yield _counts("rtig_cards", "Cards as they entered a state.", ("kind", "state"), self.cards)
        yield _counts("rtig_withheld", "Cards that were called for and not shown.", ("reason",), self.withheld)
        yield _counts("rtig_alerts", "Alerts as they entered a state.", ("state",), self.alerts)
        yield _counts("rtig_webhook", "Changes of alerts told to the webhook.", ("outcome",), self.webhook)
        yield _counts(
            "rtig_redactions", "Sensitive things masked before anything else saw them.", ("kind",), self.redactions
        )
        yield CounterMetricFamily("rtig_events_durable", "Clients' events acknowledged as durable.", self.durable)
        yield CounterMetricFamily("rtig_log_commits", "Transactions of the event log.", self.log_commits())
        yield GaugeMetricFamily(
            "rtig_playbook_errors", "Mistakes that keep the changed knowledge base out.", self.playbook_errors
        )
        yield GaugeMetricFamily(
            "rtig_outbox_largest_bytes", "The most that waited for one connection that is gone.", self.largest_outbox
        )
        lane = GaugeMetricFamily("rtig_lane", "1 for the state that the model lane is in.", labels=("state",))
        for state in LANE_STATES:
            lane.add_metric((state,), float(state == self.lane_state()))
        yield lane
        yield _counts("rtig_lane_utterances", "What became of utterances.", ("outcome",), Counter(self.lane_counts()))
        yield CounterMetricFamily(
            "rtig_lane_restarts", "Ends of the process with the models that were not asked for.", self.lane_restarts()
        )
        reading = GaugeMetricFamily(
            "rtig_lane_seconds",
            "From asking for a reading to having it, over all since the start.",
            labels=("percentile",),
        )
        for percentile, seconds in self._percentiles(READING, PERCENTILES).items():
            reading.add_metric((f"{percentile:g}",), seconds)
        yield reading
        yield GaugeMetricFamily("rtig_live_calls", "Calls going on.", self.live_calls())
        yield CounterMetricFamily("rtig_calls_admitted", "Calls that were taken.", self.admitted)
        yield GaugeMetricFamily("rtig_at_capacity", "1 while new calls are refused.", float(self.full()))
        yield GaugeMetricFamily(
            "rtig_loop_busy", "Share of the last second or so that the event loop was at work.", self.busy()
        )
        lag = GaugeMetricFamily(
            "rtig_loop_lag_seconds",
            "How late the event loop came to what was due, over all since the start.",
            labels=("percentile",),
        )
        for percentile, seconds in self._percentiles(LAG, PERCENTILES).items():
            lag.add_metric((f"{percentile:g}",), seconds)
        yield lag
        connections = GaugeMetricFamily("rtig_connections", "Connections greeted and open.", labels=("role",))
        for role, count in sorted(self.connections.items()):
            connections.add_metric((role,), count)
        yield connections
        latency = GaugeMetricFamily(
            "rtig_card_latency_seconds",
            "From a message's first byte to its card's frame, over all since the start.",
            labels=("stage", "percentile"),
        )
        for stage in STAGES:
            for percentile, seconds in self._percentiles(stage, PERCENTILES).items():
                latency.add_metric((stage, f"{percentile:g}"), seconds)
        yield latency
        yield CounterMetricFamily(
            "rtig_card_latency_recorded", "Cards that were timed.", self._latency["total"].total_count
        )


def _counts(
    name: str, text: str, labels: tuple[str, ...], counts: Counter[str] | Counter[tuple[str, str]]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=labels)
    for key, count in sorted(counts.items(), key=str):
        family.add_metric((key,) if isinstance(key, str) else key, count)
    return family
