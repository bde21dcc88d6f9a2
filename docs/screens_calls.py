"""What is said in the pictures of the pages: a small knowledge base and calls, both made up.

The articles are those that rtig ships. Its rules on silence are left out, so that no picture depends on how long the
one before took.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

from rtig import knowledge
from rtig.core.events import Party

LEFT_OUT = ("triggers", "tests", "calls")
TRIGGERS = """triggers:
  - id: legal-or-press-threat
    title: Regulator, court or press
    kind: alert
    say: I take that seriously; let me open a complaint now, so that you have a reference and a date for the answer.
    body: Do not argue about rights and do not advise for or against. Offer the complaint, and tell your team leader.
    said: [going to the ombudsman]
    party: customer
    priority: 80
    exempt: true
  - id: offer-manager
    title: Offer the manager before they ask again
    kind: coach
    say: I can get a team leader to ring you within the hour, or you can hold while I find one; which is better?
    body: A second refusal costs more than the manager's time.
    said: [speak to a manager]
    party: customer
    priority: 70
  - id: alert-regulator-or-press
    to: supervisors
    title: The customer threatens with regulator, court or press
    said: [going to the ombudsman]
    party: customer
  - id: alert-breaking-point
    to: supervisors
    title: The customer is at breaking point
    mood: critical
"""
OVERDUE = ("articles/orders/order-status.md", "review_by: ", "review_by: 2025-01-31 #")
"""An article that lint has something to say about: a file, and what is written in the place of what."""
BROKEN = ("articles/billing/paid-twice.md", "- said:", "- siad:")
LATELY = ("articles/faults/wifi-weak-rooms.md", "triggers:\n", "triggers:\n  - said: [signal in the attic]\n")
"""A change to backtest: words that some recorded call has."""


class Said(NamedTuple):
    party: Party
    text: str
    later: float = 0.6
    """Seconds after the sentence before."""


Story = tuple[Said, ...]

GREETING = Said("agent", "good afternoon you are through to larkfield billing this call is recorded how can i help", 1)
IDENTITY = Said("agent", "of course can i take your name and the first line of the address")

CALM: Story = (
    GREETING,
    Said("customer", "hello yes i'd like to go over my bill with you if that is okay"),
    IDENTITY,
    Said("customer", "it is flat two the old dairy", 1),
    Said("agent", "thank you that is all fine", 2),
    Said("customer", "so my bill has gone up since march and i wondered what changed", 1),
)
ANGRY: Story = (
    GREETING,
    Said("customer", "this is the third time i have called about the same eighty six pounds", 0.4),
    Said("customer", "i was promised a refund three weeks ago and nobody ever called me back"),
    IDENTITY,
    Said("customer", "i have already told you all this do you have to ask me again", 0.4),
    Said("agent", "i am sorry let me look at the account", 1),
    Said("customer", "i took a whole day off for this and you are wasting my time", 6),
    Said("customer", "i want to speak to a manager", 1.2),
    Said("agent", "i can try to help you with it first", 0.8),
    Said("customer", "no that is not what i asked this is totally unacceptable i am going to the ombudsman", 0.5),
)
REFUND: Story = (*ANGRY[:3], IDENTITY, Said("customer", "where is my refund is what i want to know", 2))
LONG: Story = (
    *CALM,
    Said("agent", "there was a discount for new customers and it ended in march", 3),
    Said("customer", "right and i think you took the money twice this month as well", 1),
    Said("agent", "i can see both payments i will send you the later one back by friday", 8),
    Said("customer", "lovely thank you that is all i wanted", 1),
    Said("agent", "thanks for calling have a lovely afternoon", 0.6),
)
EARLIER: tuple[Story, ...] = (
    (
        GREETING,
        Said("customer", "the broadband keeps dropping out every evening around seven"),
        Said("agent", "i will ring you tomorrow once the line was tested"),
        Said("customer", "all right thank you"),
    ),
    (
        GREETING,
        Said("customer", "nobody ever called me back and it is still not working"),
        Said("agent", "i am sorry i have booked an engineer for thursday morning"),
        Said("customer", "fine but this is the second time i have called about it"),
    ),
)
SNIPPETS: tuple[Story, ...] = (
    (GREETING, Said("customer", "i would like to pay a bill please"), IDENTITY),
    (GREETING, Said("customer", "can i keep my number when i move"), Said("agent", "you can let me have a look", 2)),
    (GREETING, Said("customer", "the wifi does not reach the bedroom upstairs", 1)),
    (GREETING, Said("customer", "when does my contract end", 1), Said("agent", "that would be in june", 5)),
    (GREETING, Said("customer", "i have forgotten my password and i am locked out of my account", 1)),
)
TENSE: Story = (
    GREETING,
    Said("customer", "the engineer never turned up this morning and i am still waiting", 0.4),
    Said("customer", "it is the same problem again as last week", 1),
)
FRUSTRATED: Story = (
    GREETING,
    Said("customer", "i rang last week about this and it is still not working", 0.4),
    Said("customer", "you promised me it would be fixed and i took a day off", 1),
    Said("agent", "let me read the notes", 1),
    Said("customer", "i have already told two people everything just answer my question", 6),
)
UNANSWERED: tuple[str, ...] = (
    "can you tell me if there is a signal in the attic of my house",
    "i want to know about a signal in the attic before i buy anything",
    "does the parental lock work on the tablet of the children",
    "how do i set the parental lock on a tablet",
)


def folder(at: Path) -> Path:
    """The knowledge base of the pictures, in a folder that may be written in."""
    shutil.copytree(knowledge.shipped(), at, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (at / "triggers").mkdir()
    (at / "triggers/pictures.yaml").write_text(TRIGGERS, "utf-8")
    rewrite(at, OVERDUE)
    return at


def rewrite(at: Path, change: tuple[str, str, str]) -> None:
    """Make a change to a file. It is an error where the words that it replaces are not in it."""
    name, old, new = change
    text = (at / name).read_text("utf-8")
    if old not in text:
        raise SystemExit(f"{name} has no {old!r} any more; see {Path(__file__).name}.")
    (at / name).write_text(text.replace(old, new, 1), "utf-8")
