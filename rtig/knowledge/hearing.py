"""A call that was never live, folded as if it had been: with the ticks of a clock, and with what a model would read."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from rtig.core import engine
from rtig.core.engine import Folded
from rtig.core.events import AnyEvent, SegmentHeard, UtteranceRead
from rtig.core.playbook import Playbook
from rtig.core.utterances import Reading, Utterance

Read = Callable[[str, Sequence[Utterance]], Sequence[Reading]]
"""A model: what it makes of each utterance in a queue."""


def heard(playbook: Playbook, call_id: str, events: Iterable[AnyEvent], read: Read | None = None) -> Iterator[Folded]:
    """Fold events whose personal data is masked. A model's answers come right after the words that it has read."""
    rehearsal = engine.Rehearsal(playbook, call_id)
    for event in events:
        yield from rehearsal.hear(event)
        if read is not None and isinstance(event, SegmentHeard) and event.final:
            unread = engine.unread(playbook, rehearsal.call)
            for one, reading in zip(unread, read(rehearsal.call.queue, unread), strict=True) if unread else ():
                yield from rehearsal.hear(
                    UtteranceRead(
                        call_id=call_id,
                        utterance=one.key,
                        meanings=playbook.meanings_version,
                        scores=reading.scores,
                        tone=reading.tone,
                    )
                )


def folded(
    playbook: Playbook, events: Iterable[AnyEvent], *, recorded: bool, read: Read | None
) -> tuple[str, Iterator[Folded]]:
    """A call's id and its folds. `recorded` events hold their ticks and answers; others are folded by `heard`."""
    events = list(events)
    call_id = next((event.call_id for event in events), "")
    if recorded:
        return call_id, engine.replay(playbook, call_id, events)
    return call_id, heard(playbook, call_id, events, read)
