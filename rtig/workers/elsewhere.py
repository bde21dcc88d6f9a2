"""The calls that go on at other workers, as agents are told of them. Pure."""

from collections.abc import Iterable

from rtig.gateway.others import Going
from rtig.workers import frames

Whose = tuple[str, str]
"""A tenant and an agent."""
_Name = tuple[int, str]


class CallsElsewhere:
    """What changes anything says whose calls have changed."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, dict[_Name, Going]]] = {}
        """By tenant, agent, and worker and call."""
        self._agents: dict[str, dict[_Name, str]] = {}
        """By tenant: of each call its agent."""

    def all_of(self, worker: int, calls: Iterable[frames.Going]) -> set[Whose]:
        """These and no others go on at a worker."""
        calls = list(calls)
        there = {(going.tenant, going.summary.call_id) for going in calls}
        known = [(tenant, name) for tenant, agents in self._agents.items() for name in agents if name[0] == worker]
        changed: set[Whose] = set()
        for tenant, (_, call_id) in known:
            if (tenant, call_id) not in there:
                changed |= self.over(worker, tenant, call_id)
        for going in calls:
            changed |= self.goes_on(worker, going)
        return changed

    def goes_on(self, worker: int, told: frames.Going) -> set[Whose]:
        tenant, name = told.tenant, (worker, told.summary.call_id)
        agent, going = told.summary.agent, Going(told.began_at, told.summary)
        if self._of.get(tenant, {}).get(agent, {}).get(name) == going:
            return set()
        changed = self.over(worker, tenant, told.summary.call_id)
        self._of.setdefault(tenant, {}).setdefault(agent, {})[name] = going
        self._agents.setdefault(tenant, {})[name] = agent
        return changed | {(tenant, agent)}

    def over(self, worker: int, tenant: str, call_id: str) -> set[Whose]:
        name = (worker, call_id)
        agent = self._agents.get(tenant, {}).pop(name, None)
        if agent is None:
            return set()
        theirs = self._of[tenant][agent]
        del theirs[name]
        if not theirs:
            del self._of[tenant][agent]
        return {(tenant, agent)}

    def of(self, tenant: str, agent: str) -> list[Going]:
        """Those of an agent, or where it is empty of all, newest first."""
        agents = self._of.get(tenant, {})
        chosen = agents.values() if not agent else (agents.get(agent, {}),)
        return sorted((going for calls in chosen for going in calls.values()), key=lambda going: -going.began_at)
