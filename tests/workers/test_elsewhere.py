"""The calls at other workers: whose have changed, and which there are, newest first."""

from rtig.wire.messages import CallSummary
from rtig.workers.elsewhere import CallsElsewhere
from rtig.workers.frames import Going


def going(call_id: str, agent: str = "ann", began_at: int = 0, tenant: str = "t") -> Going:
    summary = CallSummary(call_id=call_id, agent=agent, queue="", customer="", channel="voice", started_at=0)
    return Going(tenant, began_at, summary)


def ids(calls: CallsElsewhere, agent: str = "", tenant: str = "t") -> list[str]:
    return [one.summary.call_id for one in calls.of(tenant, agent)]


def test_calls_come_and_go() -> None:
    calls = CallsElsewhere()
    assert calls.goes_on(1, going("a", began_at=1)) == {("t", "ann")}
    assert calls.goes_on(2, going("b", "bob", began_at=2)) == {("t", "bob")}
    assert calls.goes_on(1, going("a", began_at=1)) == set()
    assert (ids(calls), ids(calls, "ann"), ids(calls, "eve"), ids(calls, tenant="u")) == (["b", "a"], ["a"], [], [])
    assert calls.goes_on(1, going("a", "bob", began_at=1)) == {("t", "ann"), ("t", "bob")}
    assert ids(calls, "bob") == ["b", "a"]
    assert calls.over(1, "t", "a") == {("t", "bob")}
    assert calls.over(1, "t", "a") == set()
    assert ids(calls) == ["b"]


def test_a_worker_that_tells_all_of_its_calls_tells_what_is_over_too() -> None:
    calls = CallsElsewhere()
    calls.all_of(1, [going("a"), going("b", "bob")])
    calls.goes_on(2, going("c", "eve"))
    assert calls.all_of(1, [going("b", "bob"), going("d", "dan", began_at=5)]) == {("t", "ann"), ("t", "dan")}
    assert set(ids(calls)) == {"b", "c", "d"}
