"""A small knowledge base whose articles customers may mean without saying so, and a turn that means one of them."""

from typing import Any

# What is shipped to be told apart from is in English; in another language a lesson is learned in no time.
UNDERSTOOD = {
    "kb.yaml": "name: Meaning\nlanguage: nl\n",
    "articles/bill.md": """---
id: high-bill
title: Why a bill is higher than expected
say: Let me look at what changed since your last bill.
triggers:
  - said: [bill has doubled]
  - means:
      - why do i have to pay so much this month
      - you have charged me far too much money
      - this invoice is a lot more than it was
      - i do not understand why it costs so much
      - the amount that you took is too high
---
An ended discount is the usual cause.
""",
    "articles/moving.md": """---
id: moving-home
title: Moving home
say: When is the big day?
triggers:
  - means:
      - we are going to live somewhere else
      - i have bought a new house
      - can i take the line with me to another flat
      - my address is going to change soon
      - next month we leave this place
---
Ten working days.
""",
}
MEANT: dict[str, Any] = {
    "type": "segment", "call_id": "c1", "segment_id": "s1", "rev": 1, "party": "customer", "final": True,
    "text": "why on earth did you take so much money from me", "start_ms": 1_000, "end_ms": 4_000,
}  # fmt: skip
AND_THEN: dict[str, Any] = MEANT | {
    "segment_id": "s2", "party": "agent", "text": "ah", "start_ms": 9_000, "end_ms": 9_300,
}  # fmt: skip
"""The turn is over."""
SOUGHT = "relocating to a different apartment"
"""Words of an agent who looks for the other article, none of which is in it."""
