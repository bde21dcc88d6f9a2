"""An earlier call as the agent of a later one sees it: when, where, and how it ended."""

from rtig.core import frustration
from rtig.core.call import Call
from rtig.core.guidance import Contact
from rtig.core.playbook import Playbook


def contact(playbook: Playbook, call: Call, began_at: int) -> Contact:
    """`began_at`: Unix time in milliseconds, for a call whose source does not say when it began."""
    patience = call.weighing.state
    mood = frustration.mood(call.call_id, playbook.temper, patience, call.now)
    taken = [reason for reason in patience.reasons if reason.weight > 0]
    last = max(taken, key=lambda reason: reason.at_ms, default=None)
    return Contact(
        call_id=call.call_id,
        state="ended" if call.ended else "live",
        reason=call.ending,
        channel=call.channel,
        agent=call.agent,
        queue=call.queue,
        started_at=call.started_at or began_at,
        lasted_ms=call.now,
        band=mood.band,
        because=last.what if last is not None and mood.band != "calm" else "",
    )
