"""The model lane of another worker, as if it were here: one process with the models reads for the whole server."""

from collections.abc import Callable, Iterable
from typing import Protocol

from rtig.core.utterances import Utterance
from rtig.errors import LogUnavailable, MessageRefused
from rtig.eventlog.port import CallKey
from rtig.wire.messages import LaneState
from rtig.workers import frames
from rtig.workers.frames import Question, Reply
from rtig.workers.link import Link


class Host(Protocol):
    """The worker that has the lane."""

    @property
    def link(self) -> Link | None: ...

    async def ask(self, question: Question) -> Reply: ...


class LaneThere:
    """`became` is told of each new state. While the worker that has the lane is away, it is down."""

    def __init__(self, host: Host, became: Callable[[LaneState], None]) -> None:
        self.state: LaneState = "off"
        self._host = host
        self._became = became

    def become(self, state: LaneState) -> None:
        if state != self.state:
            self.state = state
            self._became(state)

    def ask(self, call: CallKey, queue: str, utterances: Iterable[Utterance]) -> None:
        if self.state == "on" and self._host.link is not None:
            asked = tuple((one.key, one.party, one.text) for one in utterances)
            self._host.link.put(frames.Read(call.tenant, call.call_id, queue, asked))

    async def find(self, query: str, most: int) -> tuple[tuple[str, float], ...]:
        if self.state != "on":
            return ()
        try:
            reply = await self._host.ask(frames.AskFind(query, most))
        except (LogUnavailable, MessageRefused):
            return ()
        return reply.articles if isinstance(reply, frames.Found) else ()


def utterances(read: frames.Read) -> list[Utterance]:
    """What a lane needs of them."""
    return [Utterance(key, party, text, 0, 0, (), full=False) for key, party, text in read.utterances]
