"""The agent's request for help: asked, taken on, dealt with or taken back.

Only people say anything about it, on the server's clock, so it is folded as it comes:

    fact            none, or resolved     open                       acknowledged
    asked           open                  stays; its words count     stays; its words count
    taken back      stays                 resolved (withdrawn)       resolved (withdrawn)
    acknowledged    stays                 acknowledged               stays: the first one has it
    resolved        stays                 resolved (handled)         resolved (handled)
    the call ends   stays                 resolved (ended)           resolved (ended)
"""

from msgspec.structs import replace

from rtig.core.call import Call
from rtig.core.events import AlertAnswered, HelpAsked, HelpTakenBack
from rtig.core.guidance import Guidance, Help

ALERT = "agent:help"
"""The supervisors' alert of it; no rule can have this id."""


def ask(call: Call, event: HelpAsked) -> Call:
    if event.help_id in call.help_ids:
        return call
    known = call.help
    if known is not None and known.state != "resolved":
        call = replace(call, help_ids=call.help_ids.set(event.help_id, known.asked))
        return replace(call, help=replace(known, text=event.text)) if event.text else call
    asked = 1 if known is None else known.asked + 1
    request = Help(
        call_id=call.call_id,
        id=event.help_id,
        state="open",
        text=event.text,
        asked=asked,
        asked_ms=event.at_ms,
        at_ms=event.at_ms,
    )
    return replace(call, help=request, help_ids=call.help_ids.set(event.help_id, asked))


def take_back(call: Call, event: HelpTakenBack) -> Call:
    """Only what is standing: one that was resolved before says nothing about a later one."""
    known = call.help
    if known is None or known.state == "resolved" or call.help_ids.get(event.help_id) != known.asked:
        return call
    return replace(call, help=replace(known, state="resolved", at_ms=event.at_ms, by="", reason="withdrawn"))


def answer(call: Call, event: AlertAnswered) -> Call:
    """A supervisor's answer to the alert."""
    known = call.help
    if known is None or known.state == "resolved" or (known.state == "acknowledged" and event.action == "acknowledge"):
        return call
    if event.action == "acknowledge":
        return replace(call, help=replace(known, state="acknowledged", at_ms=event.at_ms, by=event.by))
    return replace(call, help=replace(known, state="resolved", at_ms=event.at_ms, by=event.by, reason="handled"))


def end(call: Call) -> Call:
    known = call.help
    if known is None or known.state == "resolved":
        return call
    return replace(call, help=replace(known, state="resolved", at_ms=call.now, reason="ended"))


def tell(before: Call, call: Call, items: list[Guidance]) -> None:
    if call.help is not None and call.help != before.help:
        items.append(call.help)
