"""Hearing a call again beside the loop gives what the fold gives, rests, and does not walk twice."""

import threading
from typing import Any

import pytest
from calls import CALL, DOUBLED, OF_WORDS, SOURCE, call, playbook, say
from msgspec.structs import replace

from rtig import knowledge, rehearing
from rtig.core import engine
from rtig.core.call import Call
from rtig.core.events import AnyEvent, PlaybookChanged
from rtig.core.matcher import Matcher
from rtig.knowledge.watch import let_go_slowly
from rtig.rehearing import Rehearing
from rtig.script import perform

CHANGED = replace(SOURCE, name="changed")


def folded(events: list[AnyEvent]) -> Call:
    state = engine.begin(CALL)
    for seq, event in enumerate(events, 1):
        state, _ = engine.step(OF_WORDS, state, seq, event)
    return state


def change(state: Call) -> PlaybookChanged:
    return PlaybookChanged(call_id=state.call_id, version="changed", at_ms=state.now)


@pytest.mark.parametrize("script", knowledge.read(knowledge.shipped()).calls.values(), ids=lambda script: script.id)
def test_it_gives_what_the_fold_gives_wherever_the_call_is(script: Any) -> None:
    before, after = playbook(SOURCE), knowledge.compile_folder(knowledge.shipped())
    state, again = engine.begin(script.id), Rehearing(after)
    for seq, (_, event) in enumerate(perform(script, script.id), 1):
        state, _ = engine.step(before, state, seq, event)
        if seq % 7 == 0:
            assert again.step(state, seq + 1, change(state)) == engine.step(after, state, seq + 1, change(state))


def test_only_what_was_said_meanwhile_is_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    walked: list[tuple[str, ...]] = []
    rests: list[int] = []
    walk = Matcher.walk

    def noted(self: Matcher, state: Any, said: Any, kept: Any = None) -> Any:
        walked.append(tuple(said))
        return walk(self, state, said, kept)

    talk = [say("customer", 0, "hello there"), say("agent", 4_000, "good morning"), DOUBLED]
    state = folded([*call(talk[:2])])
    again = Rehearing(playbook(CHANGED))
    monkeypatch.setattr(Matcher, "walk", noted)
    monkeypatch.setattr(rehearing, "Rests", lambda share: lambda: rests.append(share))
    again.step(state, 9, change(state))
    assert sorted(walked) == [("good", "morning"), ("hello", "there")]
    assert rests == [1.0] * 3  # after each segment, and after what is not the matcher's work
    walked.clear()
    state = folded([*call(talk)])
    walked.clear()
    again.step(state, 9, change(state))
    assert walked == [("my", "bill", "has", "doubled")]


def test_a_playbook_is_not_taken_apart_while_a_call_is_heard_by_it() -> None:
    followed = playbook(CHANGED)
    let_go_slowly(followed)
    again = Rehearing(followed)
    state = folded([*call([DOUBLED])])
    expected = engine.step(followed, state, 9, change(state))
    del followed
    assert not [thread for thread in threading.enumerate() if thread.name == "playbook let go"]
    assert again.step(state, 9, change(state)) == expected
