"""A live call as one row of the supervisors' board."""

from rtig.core import frustration, weighing
from rtig.core.call import Call
from rtig.core.guidance import BoardRow
from rtig.core.playbook import Playbook

SPARK_MS = 5 * 60 * 1000
"""How far back the row's little curve goes."""


def row(playbook: Playbook, call: Call, clock_ms: int) -> BoardRow:
    """The row at a time on the call's clock, which may be later than its last event."""
    read = weighing.is_read(call, clock_ms)
    mood = frustration.mood(call.call_id, playbook.temper, call.weighing.state, clock_ms, read=read)
    return BoardRow(
        call_id=call.call_id,
        agent=call.agent,
        queue=call.queue,
        customer=call.customer,
        channel=call.channel,
        started_at=call.started_at,
        clock_ms=clock_ms,
        score=mood.score,
        band=mood.band,
        risk=mood.risk,
        reading=mood.reading,
        reason=next((reason.what for reason in mood.reasons if reason.weight > 0), "") if mood.band != "calm" else "",
        spark=frustration.curve(playbook.temper, call.weighing, clock_ms, SPARK_MS),
        red_ms=frustration.in_the_red(playbook.temper, call.weighing.state, clock_ms),
        cards=sum(1 for card in call.told.cards.values() if card.state == "confirmed"),
    )
