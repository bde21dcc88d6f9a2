"""The state of a call: a value, so that what was known at one time can be kept while the call goes on."""

import pytest
from calls import CALL, call, playbook, say

from rtig.core import engine
from rtig.core.call import Call, Told
from rtig.core.events import CallEnded


def test_a_call_of_which_nothing_is_known_is_empty() -> None:
    blank = Call(call_id=CALL)
    assert blank == engine.begin(CALL)
    assert (blank.started, blank.ended, blank.now) == (False, False, 0)
    assert (blank.transcript.size, len(blank.heard), len(blank.moments), blank.told) == (0, 0, 0, Told())
    assert (blank.weighing.state.score, len(blank.choosing.state.shown)) == (0.0, 0)


def test_a_call_cannot_be_changed_only_followed_by_another() -> None:
    with pytest.raises(AttributeError):
        Call(call_id=CALL).now = 5  # type: ignore[misc]


def test_what_was_known_stays_as_it_was_while_the_call_goes_on() -> None:
    made = playbook()
    events = [*call([say("customer", 0, "my bill has doubled"), say("customer", 9_000, "cancel my contract")])]
    events.append(CallEnded(call_id=CALL, at_ms=20_000))
    steps = list(engine.replay(made, CALL, events))
    again = list(engine.replay(made, CALL, events))
    for earlier, later in zip(steps, again, strict=True):
        assert earlier.call == later.call
    middle = steps[1].call
    assert set(middle.told.cards) == {"bill.1"}
    assert (middle.ended, steps[-1].call.ended) == (False, True)


def test_two_calls_share_nothing() -> None:
    one, other = Call(call_id="one"), Call(call_id="other")
    stepped, _ = engine.step(playbook(), one, 1, call([])[0])
    assert stepped.started
    assert not one.started
    assert not other.started
