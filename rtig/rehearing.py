"""A call that goes on, heard again by another playbook in a thread beside the loop.

Nearly all that takes is the matcher's walk over all that was said, a third of a second for an hour. Between segments it
rests, and what was walked once is remembered: where words have come meanwhile, only they are left for the next try.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any, cast

from rtig.core import engine
from rtig.core.call import Call
from rtig.core.events import AnyEvent
from rtig.core.guidance import Guidance
from rtig.core.matcher import Match, Matcher, State
from rtig.core.playbook import Playbook
from rtig.resting import Rests

REST = 1.0
"""After a piece of the walk the loop has as long for itself."""


class Rehearing:
    """One call's, by one playbook."""

    def __init__(self, playbook: Playbook) -> None:
        self._whole = playbook  # let go of, it would be taken apart
        self._walking = _Walking(playbook.matcher)
        self._playbook = copy(playbook)
        self._playbook.matcher = cast(Matcher, self._walking)

    def step(self, call: Call, seq: int, event: AnyEvent) -> tuple[Call, tuple[Guidance, ...]]:
        """What `engine.step` gives with the playbook; in a thread that may rest."""
        self._walking.rest = rest = Rests(REST)
        stepped = engine.step(self._playbook, call, seq, event)
        rest()
        return stepped


class _Walking:
    """A matcher that rests and remembers."""

    def __init__(self, matcher: Matcher) -> None:
        self.rest: Rests
        self._matcher = matcher
        self._walked: dict[tuple[tuple[str, ...], str], list[tuple[State, tuple[State, list[Match]]]]] = {}
        """By what was said, and the word before it: from which states it was walked, and what came of it."""

    def walk(self, state: State, said: Sequence[str], kept: list[State] | None = None) -> tuple[State, list[Match]]:
        if kept is not None:
            return self._matcher.walk(state, said, kept)
        known = self._walked.setdefault((tuple(said), state.last), [])
        for begins, walked in known:
            if begins == state:
                return walked
        walked = self._matcher.walk(state, said)
        known.append((state, walked))
        self.rest()
        return walked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._matcher, name)
