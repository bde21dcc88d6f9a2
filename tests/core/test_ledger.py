"""The ledger: the outcome depends on the facts, not on the order in which they became known."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from rtig.core.ledger import Ledger


class Paid(Struct, frozen=True):
    at: int
    name: str
    amount: int = 1

    @property
    def order(self) -> tuple[int, str]:
        return (self.at, self.name)


Balance = tuple[int, tuple[str, ...]]
EMPTY: Ledger[Paid, Balance] = Ledger(states=((0, ()),))


def pay(balance: Balance, fact: Paid) -> Balance:
    """Depends on the order of facts and on each of them."""
    return (balance[0] * 2 + fact.amount, (*balance[1], fact.name))


def plain(facts: dict[tuple[int, str], Paid]) -> list[Balance]:
    states: list[Balance] = [(0, ())]
    for order in sorted(facts):
        states.append(pay(states[-1], facts[order]))
    return states


PAID = st.builds(Paid, st.integers(0, 5), st.sampled_from("abc"), st.integers(1, 3))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.lists(PAID, max_size=3), st.lists(PAID, max_size=3)), max_size=8))
def test_facts_that_come_late_go_or_change_give_what_a_sorted_fold_gives(
    changes: list[tuple[list[Paid], list[Paid]]],
) -> None:
    ledger, facts = EMPTY, dict[tuple[int, str], Paid]()
    for gone, new in changes:
        for fact in gone:
            facts.pop(fact.order, None)
        facts.update({fact.order: fact for fact in new})
        ledger = ledger.revised(gone, new, pay)
        assert list(ledger.states) == plain(facts)
        assert list(ledger.facts) == [facts[order] for order in sorted(facts)]


@given(st.lists(PAID, max_size=8), st.data())
def test_the_order_in_which_facts_become_known_does_not_matter(facts: list[Paid], data: st.DataObject) -> None:
    unique = list({fact.order: fact for fact in facts}.values())
    one = EMPTY
    for fact in data.draw(st.permutations(unique)):
        one = one.revised((), (fact,), pay)
    assert one == EMPTY.revised((), unique, pay)


def test_a_fact_at_the_end_costs_one_fold_and_a_late_one_the_rest() -> None:
    folded: list[str] = []

    def noted(balance: Balance, fact: Paid) -> Balance:
        folded.append(fact.name)
        return pay(balance, fact)

    ledger = EMPTY
    for at, name in enumerate("abcd"):
        ledger = ledger.revised((), (Paid(at * 10, name),), noted)
    assert folded == ["a", "b", "c", "d"]
    folded.clear()
    assert ledger.revised((), (Paid(15, "late"),), noted).state[1] == ("a", "b", "late", "c", "d")
    assert folded == ["late", "c", "d"]


def test_a_fact_takes_the_place_of_the_one_of_equal_order() -> None:
    ledger = EMPTY.revised((), (Paid(1, "a", 5), Paid(2, "b")), pay)
    assert ledger.revised((), (Paid(1, "a", 7),), pay).facts == (Paid(1, "a", 7), Paid(2, "b"))
    assert ledger.revised((Paid(1, "a", 5),), (Paid(1, "a", 9),), pay).state[0] == 19


def test_a_change_that_changes_nothing_gives_the_same_ledger() -> None:
    ledger = EMPTY.revised((), (Paid(1, "a"), Paid(2, "b")), pay)
    assert ledger.revised((), (), pay) is ledger
    assert ledger.revised((), (Paid(1, "a"),), pay) is ledger
    assert ledger.revised((Paid(1, "unknown"),), (), pay) is ledger
    assert ledger.revised((Paid(2, "b"),), (Paid(2, "b"),), pay) is ledger


def test_an_empty_ledger_stands_at_its_beginning() -> None:
    assert EMPTY.state == (0, ())
    assert EMPTY.revised((Paid(1, "a"),), (), pay) is EMPTY
