"""Facts in the order in which they happened, with the state after each.

A fact that becomes known late, or turns out not to be so, changes the past: the fold resumes from the state before it.
A fact at the end, by far the commonest, costs one fold. So the outcome depends on the facts alone, not on the order in
which they became known.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar

from msgspec import Struct


class Fact(Protocol):
    @property
    def order(self) -> tuple[int | str, ...]:
        """Its place in time: facts of equal order are the same fact."""


F = TypeVar("F", bound=Fact)
S = TypeVar("S")


class Ledger(Struct, Generic[F, S], frozen=True):
    """`states[0]` is the state before all facts, `states[i + 1]` the one after `facts[i]`."""

    states: tuple[S, ...]
    facts: tuple[F, ...] = ()

    @property
    def state(self) -> S:
        return self.states[-1]

    def revised(self, gone: Collection[F], new: Collection[F], fold: Callable[[S, F], S]) -> "Ledger[F, S]":
        """The ledger without some facts and with others. A new fact takes the place of one of equal order."""
        out = {fact.order for fact in gone}
        into = {fact.order: fact for fact in new}
        if not out and not into:
            return self
        touched = min((*out, *into))
        index = bisect_left(self.facts, touched, key=_order)
        rest = {fact.order: fact for fact in self.facts[index:] if fact.order not in out} | into
        tail = tuple(rest[order] for order in sorted(rest))
        if tail == self.facts[index:]:
            return self
        state = self.states[index]
        states: list[S] = []
        for fact in tail:
            state = fold(state, fact)
            states.append(state)
        return Ledger(self.states[: index + 1] + tuple(states), self.facts[:index] + tail)


def _order(fact: Fact) -> tuple[int | str, ...]:
    return fact.order
