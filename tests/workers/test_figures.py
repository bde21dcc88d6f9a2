"""Figures of several workers: counts are added up, distributions merged, of states the worst one counts."""

import msgspec

from rtig.gateway.metrics import Metrics
from rtig.workers.figures import Figures, figures, merged


def over_a_link(told: Figures) -> Figures:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(told), type=Figures)


def test_all_of_it_is_that_of_one_server() -> None:
    one, two, both = Metrics(), Metrics(), Metrics()
    for metrics, us in ((one, 100), (two, 9_000)):
        for it in (metrics, both):
            it.messages["segment"] += us
            it.cards["article", "confirmed"] += 1
            it.connections["agent"] += 2
            it.durable += 3
            for _ in range(50):
                it.took("total", us * 1000)
        metrics.live_calls = lambda us=us: us  # type: ignore[misc]
        metrics.lane_counts = lambda: {"read": 4}
    one.largest_outbox, two.largest_outbox = 7, 8
    one.lane_state, two.lane_state = lambda: "on", lambda: "down"
    one.full = lambda: True
    one.since = both.since = two.since - 5
    both.largest_outbox, both.lane_state, both.full = 8, lambda: "down", lambda: True
    both.live_calls, both.lane_counts = lambda: 9_100, lambda: {"read": 8}
    whole, problems = merged([over_a_link(figures(one, ["draining"])), over_a_link(figures(two, ["draining", "log"]))])
    assert whole.page() == both.page()
    assert problems == ["draining", "log"]
    assert whole.latencies.stages() == both.latencies.stages()
    told, expected = whole.latency(()), both.latency(())
    assert (told.live_calls, told.lane, told.connections) == (9_100, "down", {"agent": 4})
    assert round(told.up_seconds) == round(expected.up_seconds)
