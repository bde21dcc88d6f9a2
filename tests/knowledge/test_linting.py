"""What authors are told before a change goes live: mistakes of every kind, each at its place and nowhere else."""

import re
from datetime import date
from pathlib import Path

import pytest
from folders import ARTICLE, GOOD, KB, TEST, write

from rtig.knowledge.finding import Finding
from rtig.knowledge.linting import lint
from rtig.learning import shipped_negatives

TODAY = date(2026, 11, 1)
SHIPPED = Path(__file__).parents[2] / "knowledge_base"

# Each mistake is marked right before the place that it is to be found at.
PLANTED = {
    "kb.yaml": """name: Planted
attention:
  gap: 30s
  patience: «patience»20s
""",
    "articles/bills.md": """---
id: bills
title: A bill that is higher
review_by: «review»2026-01-31
valid_from: «valid»2027-01-01
language: «language»de
say: «say-long»Let me go through the whole of your last three bills with you now one line after the other and then we
  will see together which of the charges have changed since the month before and which ones will change again in the
  month that comes and why
triggers:
  - said:
      - bill has doubled
      - «common»(bill|invoice)
      - «small»(what is|how is) it then
      - «short»mbr
      - «stem»dis*
      - «written»my acct is too high
      - «excluded»bill is higher for fun
      - bill has tripled
      - «twice»bill has tripled
    unless: [for fun]
  - means:
      - why has my bill gone up so much this month
      - I do not understand why this bill is higher than the last one
      - «notation»my bill is (higher|bigger) than before
      - «vague»too high
      - «breath»so I had a look at what you wrote me last week about the bill and it says that I owe you a hundred
          pounds more than the month before and nobody told me
---
«layout»# What to do

«steps»## Steps to take

1. Open the bills.

""" + "Then read all of this to the customer before anything else is done. " * 14 + "\n",
    "articles/fees.md": """---
id: fees
title: «title»A bill that is higher
say: Let me see which fee that is.
triggers:
  - said: [late fee on my bill, «said-by-two»bill has doubled]
    cooldown: «soon»2s
    exempt: «exempt»true
  - means: «few»[«sentence-by-two»why has my bill this month gone up so much]
---
A fee is due on the first.
""",
    "articles/orders.md": """---
id: orders
title: Where an order is
say: Let me see where it is.
triggers:
  - «misunderstood»means:
      - where is the parcel that I ordered last week
      - my order has still not been delivered to me
      - «sentence-twice»where is the parcel I ordered that last week
      - can you tell me when the engineer's box arrives
---
The tracking page knows.
""",
    "articles/empty.md": """---
id: «nothing-brings»«nothing-says»empty
title: A page that nobody has written
---
«nothing-shown»""",
    "triggers/coaching.yaml": """triggers:
  - id: outage
    title: There is an outage
    say: There is an outage in your area.
    said:
      - «nobody-says»there seems to be no light on the little box that you sent me
    queues: [faults]
  - id: thanks
    title: The customer thanks
    say: «to-the-agent»Tell the customer that they are welcome.
    said: [«any-call»thank you very much indeed]
    queues: [faults]
  - id: fault
    title: A fault
    say: Let me test the line.
    said: [line is dead]
    queues: «queue»[fualts]
    once: true
    cooldown: «once»10m
  - id: offer
    title: An offer was made
    say: You may offer the discount now.
    said: [«done»let me offer you a discount]
    party: agent
    done: [offer you a discount]
  - id: pause
    title: A pause
    say: Are you still there?
    silence: «silence»3s
  - id: floor
    title: A long speech
    say: Shall I go on?
    monologue: «monologue»6s
  - id: chatty
    title: Nobody writes
    say: Are you still there, or shall I wait?
    silence: 40s
    channels: «chat»[chat]
  - id: greeted
    title: No greeting
    say: Good morning, how can I help?
    not_said: [good morning]
    within: «within»2s
  - id: reward
    title: A rewards card
    say: That card has a bonus.
    slot: card
    is: «value»air miles
  - id: plastic
    title: A dear card
    say: That is a dear card.
    slot: holder
    above: «number»50
  - id: range
    title: An amount
    say: That is a fair amount.
    slot: amount_paid
    above: 90
    below: «range»20
  - id: both
    title: Never together
    say: That cannot be.
    «contradiction»all:
      - said: [my card is gone]
      - slot: card
        is: rewards
      - slot: card
        is: purchase
  - id: unknown-card
    title: No card yet
    say: Which card do you have?
    slot: card
    empty: «empty»true
  - id: someday
    title: Not yet
    say: Not yet.
    said: [not just yet then]
    status: draft
""",
    "slots/cards.yaml": """slots:
  - id: card
    kind: list
    values: {rewards: [reward, air miles], purchase: []}
    said: ["my {card} card"]
  - id: holder
    kind: name
    said: ["the card of {holder}"]
  - id: amount_paid
    kind: amount
    said: ["I paid {amount_paid}"]
  - id: «never-captured»never_said
    kind: number
  - id: «never-used»postcode
    kind: pattern
    pattern: "[a-z]{2}[0-9]{2}"
    said: ["my postcode is {postcode}"]
""",
    "playbooks/opening.yaml": """id: opening
title: Opening
steps:
  - id: greet
    text: Greet
    said: [good morning]
  - id: name
    text: Give your name
    said: [my name is, «both-ticked»good morning]
""",
    "lexicons/service.yaml": """signals:
  - id: again
    reason: has called before
    weight: 0.4
    said: [third time I call]
  - id: «weightless»calls
    reason: calls a lot
    weight: 0
    said: [«counted-twice»(second|third) time I call]
""",
    "tests/test.yaml": """id: test
title: A test
lines:
  - customer: my line is dead
expect:
  - card: fault
  - card: «unknown-card»faults
  - card: «draft»someday
never: [«expected-too»fault]
""",
}  # fmt: skip

SAID = {
    "patience": ("`patience` is shorter than `gap`", "longer"),
    "review": ("was to be reviewed by 2026-01-31", "set the next date"),
    "valid": ("valid from 2027-01-01 on, and shown from now on", "status: draft"),
    "language": ("is in `de`", "one knowledge base for each language"),
    "say-long": ("takes a quarter of a minute to read aloud", "one sentence"),
    "common": ("`bill` alone is said in every other call", "Three words"),
    "small": ('"what is it then" says nothing by itself', "what it is about"),
    "short": ("a word as short as `mbr`", "second word"),
    "stem": ("`dis*` is the beginning of hundreds of words", "`dis+`"),
    "written": ("`acct` is written and not spoken", "as people say it"),
    "excluded": ("never fires: `for fun` under `unless`", "take it out"),
    "twice": ("given twice", "Take one out"),
    "notation": ("takes sentences, and this is a phrase", "under `said`"),
    "vague": ("`too high` could be about anything", "names its subject"),
    "breath": ("words, and speech is read 24 at a time", "in one breath"),
    "layout": ("words", "link to the rest"),
    "steps": ("do not become a checklist", "`## Steps`"),
    "title": ("`bills` has the same title", "what is particular"),
    "said-by-two": ('"bill has doubled" brings up `bills` too', "See articles/bills.md:12:9"),
    "soon": ("comes again with every repetition", "a minute"),
    "exempt": ("comes whatever the agent is doing", "`priority`"),
    "few": ("to be understood from 1 sentence", "five to ten"),
    "sentence-by-two": ("`bills` has the same sentence", "See articles/bills.md:23:9"),
    "misunderstood": ("cannot be told from what means nothing at 1 false alarm in 100: 0 of its 4", "Name the"),
    "sentence-twice": ("this sentence is given twice", "Another wording"),
    "nothing-brings": ("nothing brings up `empty`", "Give it `triggers`"),
    "nothing-says": ("`empty` has nothing to say", "Give `say`"),
    "nothing-shown": ("`empty` shows nothing under its title", "Write what"),
    "nobody-says": ("every phrase of `outage` is longer than 8 words", "few words that matter"),
    "to-the-agent": ("`thanks` speaks to the agent", "as said to the customer"),
    "any-call": ("sentences that call for nothing", "what it is about"),
    "queue": ("`fualts` is named here alone, and `faults` elsewhere", "Did you mean `faults`?"),
    "once": ("`cooldown` means nothing beside `once`", "one of them"),
    "done": ("never fires: `offer you a discount` under `done`", "take it out"),
    "silence": ("every call has pauses of 3 s", "Wait for 5 s"),
    "monologue": ("to speak for 6 s is no monologue", "10 s at least"),
    "chat": ("who speaks when is not looked at in a chat", "[voice]"),
    "within": ("nobody can have said it within 2 s", "ten seconds more"),
    "value": ("`card` never is `air miles`", "a way to say `rewards`"),
    "number": ("`holder` is a name, which is neither above nor below", "numbers and amounts"),
    "range": ("no number is above 90 and below 20", "the larger one"),
    "contradiction": ("never hold together", "join them with `any`"),
    "empty": ("never fires", "beside others in `all`"),
    "never-captured": ("nothing captures `never_said`", "`{never_said}`"),
    "never-used": ("`postcode` is kept, and nothing asks for it", "take it out"),
    "both-ticked": ("ticks `greet` and `name` at once", "alone"),
    "weightless": ("the signal `calls` weighs nothing", "`weight`"),
    "counted-twice": ("counts for `again` too", "one of them"),
    "unknown-card": ("no article or trigger is called `faults`", "the id of"),
    "draft": ("`someday` is a draft and never comes", "`status: draft`"),
    "expected-too": ("`fault` is expected in this test too", "`never`"),
}
"""Of each planted mistake, a part of what is said of it and of how to mend it."""


def planted() -> tuple[dict[str, str], dict[str, tuple[str, int, int]]]:
    """The files without the marks, and where each mark stood: path, line and column from 1."""
    files, places = {}, {}
    for path, text in PLANTED.items():
        kept = []
        for number, line in enumerate(text.split("\n"), 1):
            while mark := re.search("«([a-z-]+)»", line):
                places[mark[1]] = (path, number, mark.start() + 1)
                line = line[: mark.start()] + line[mark.end() :]
            kept.append(line)
        files[path] = "\n".join(kept)
    return files, places


def test_there_are_twenty_five_kinds_of_mistakes_and_more() -> None:
    _, places = planted()
    assert places.keys() == SAID.keys()
    assert len(SAID) >= 25
    assert len({said for said, _ in SAID.values()}) == len(SAID)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    files, _ = planted()
    folder = write(tmp_path_factory.mktemp("planted"), files)
    (folder / "trigger").mkdir()
    talk = ["thank you very much indeed", *["yes that is right"] * 200]
    return lint(
        folder, TODAY, learn=lambda book: {name: (0, 4) for name in book.meanings if name == "orders"},
        talk=lambda language: talk,
    )  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_a_planted_mistake_is_found_at_its_place(name: str, found: list[Finding]) -> None:
    _, places = planted()
    problem, mend = SAID[name]
    here = [str(f) for f in found if (f.path, f.line, f.column) == places[name] and problem in f.problem]
    assert len(here) == 1, "\n".join(map(str, found))
    assert mend in here[0]


def test_nothing_else_is_found_fault_with(found: list[Finding]) -> None:
    _, places = planted()
    unplanted = [str(f) for f in found if (f.path, f.line, f.column) not in places.values()]
    assert unplanted == ["trigger/: warning: this folder is not read. Did you mean `triggers/`?"]
    assert len(found) == len(SAID) + 1
    assert [(f.path, f.line, f.column) for f in found] == sorted((f.path, f.line, f.column) for f in found)


def test_nothing_is_wrong_or_odd_in_the_shipped_knowledge_base() -> None:
    assert [str(f) for f in lint(SHIPPED, TODAY, talk=shipped_negatives)] == []


def test_nothing_to_say_about_a_good_folder(tmp_path: Path) -> None:
    assert lint(write(tmp_path, GOOD), TODAY) == []


def test_errors_are_findings(tmp_path: Path) -> None:
    found = lint(write(tmp_path, {"kb.yaml": "nam: x\n"}), TODAY)
    assert found[0] == Finding(
        severity="error",
        path="kb.yaml",
        line=1,
        column=1,
        problem="`nam` is not a key here",
        mend="Did you mean `name`?",
    )
    assert str(found[0]) == "kb.yaml:1:1: error: `nam` is not a key here. Did you mean `name`?"


def test_a_test_of_an_unknown_card_is_an_error(tmp_path: Path) -> None:
    found = lint(write(tmp_path, {**GOOD, "tests/doubled.yaml": TEST.replace("[ask-manager]", "[ask-boss]")}), TODAY)
    assert [str(finding) for finding in found] == [
        "tests/doubled.yaml:7:9: error: no article or trigger is called `ask-boss`. "
        "A card is named by the id of its article or trigger"
    ]


def test_an_article_is_to_be_reviewed_the_day_after(tmp_path: Path) -> None:
    folder = write(tmp_path, {**GOOD, "articles/billing/doubled-bill.md": ARTICLE})
    assert not lint(folder, date(2027, 1, 31))
    assert len(lint(folder, date(2027, 2, 1))) == 1


# --- what must not be found fault with


def trigger(name: str, lines: str) -> str:
    return f"  - id: {name}\n    title: T\n    say: Something to say.\n" + "".join(
        f"    {line}\n" for line in lines.split("\n")
    )


@pytest.mark.parametrize(
    "lines",
    [
        "said: [cancel my contract, ombudsman]",
        "said: [I would like to know why my bill is so high, why so high]",
        "said: [cancel the (contract|plan), end it all]\nunless: [cancel the contract please]",
        "said: [do you ~4 discount]",
        "said: [refund (now|please)?, disconnect*]",
        "said: [my bill]\nparty: agent\ndone: [my bill is fine]",
        "said: [fault on the line]\nqueues: [faults, faults-2]",
        "all:\n  - said: [offer you a discount]\n  - not:\n      said: [why]",
        "means: the customer asks why the bill is higher than it was",
    ],
)
def test_what_is_well_said(tmp_path: Path, lines: str) -> None:
    folder = write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": "triggers:\n" + trigger("a", lines)})
    assert [str(finding) for finding in lint(folder, TODAY)] == []


def test_a_meaning_that_is_learned_well_enough(tmp_path: Path) -> None:
    means = "means: [why is my bill so high, my bill has doubled, this bill is too high for me]"
    folder = write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": "triggers:\n" + trigger("a", means)})
    assert lint(folder, TODAY, learn=lambda book: dict.fromkeys(book.meanings, (1, 5))) == []
    [found] = lint(folder, TODAY, learn=lambda book: dict.fromkeys(book.meanings, (1, 6)))
    assert (found.line, found.column) == (5, 12)
    assert lint(folder, TODAY, learn=lambda book: {}) == []


def test_a_model_is_not_asked_where_there_is_nothing_to_learn(tmp_path: Path) -> None:
    def learn(book: object) -> dict[str, tuple[int, int]]:
        raise AssertionError("asked")

    assert lint(write(tmp_path, GOOD), TODAY, learn=learn) == []


def test_alerts_that_say_little_or_come_too_often_and_tests_that_mix_them_up_with_cards(tmp_path: Path) -> None:
    triggers = """triggers:
  - id: wordy
    to: supervisors
    title: Somebody on this call has said a word that a supervisor might want to know about
    said: [my lawyer]
  - id: often
    to: supervisors
    title: Impatient
    mood: tense
  - id: score
    to: supervisors
    title: A little impatient
    score: 0.3
  - id: good
    to: supervisors
    title: Angry for a while
    score: 0.6
    for: 20s
"""
    test = """id: t
title: T
lines:
  - customer: you will hear from my lawyer
expect:
  - card: wordy
alerts: [doubled-bill, nothing]
"""
    files = {**GOOD, "triggers/alerts.yaml": triggers, "tests/t.yaml": test}
    said = [str(finding) for finding in lint(write(tmp_path, files), TODAY)]
    assert len(said) == 6
    for line, problem in zip(
        said,
        (
            "tests/t.yaml:6:11: error: `wordy` is an alert for supervisors and no card. Put it under `alerts`",
            "tests/t.yaml:7:10: error: `doubled-bill` brings a card and no alert for supervisors",
            "tests/t.yaml:7:24: error: no article or trigger is called `nothing`",
            "triggers/alerts.yaml:4:12: warning: the title of `wordy` is longer than a supervisor reads at a glance",
            "triggers/alerts.yaml:9:11: warning: `often` alerts supervisors to every customer",
            "triggers/alerts.yaml:13:12: warning: `score` alerts supervisors to every customer",
        ),
        strict=True,
    ):
        assert line.startswith(problem)


TICKED_TWICE = """---
id: outage
title: An outage
say: Let me look.
triggers:
  - said: [no internet today]
---
Look at the map.

## Steps

1. Look at the map.
   - said: look at the map
2. Say when it ends.
   - said: expected back by
   - said: (look|looking) at the map
"""


def test_steps_of_articles_that_tick_at_once_and_steps_that_are_not_there(tmp_path: Path) -> None:
    test = "id: t\ntitle: T\nlines:\n  - customer: no internet today\nticked: [outage/1, outage/3,\n  greet/hello]\n"
    files = {"kb.yaml": KB, "articles/outage.md": TICKED_TWICE, "tests/t.yaml": test}
    hint = "A step is named by its list and its id, that of an article by its number"
    assert [str(finding) for finding in lint(write(tmp_path, files), TODAY)] == [
        "articles/outage.md:16:12: warning: this ticks `1` and `2` at once. "
        "A step is ticked by words that belong to it alone",
        f"tests/t.yaml:5:20: error: there is no step `outage/3`. {hint}",
        f"tests/t.yaml:6:3: error: there is no step `greet/hello`. {hint}",
    ]


def test_the_words_that_tick_steps_make_no_article_longer(tmp_path: Path) -> None:
    said = "".join(f"   - said: {word} at the map\n" for word in "abcdefghijklmnopqrstuvwxyz" * 2)
    long = TICKED_TWICE.replace("   - said: expected back by\n   - said: (look|looking) at the map\n", said)
    files = {"kb.yaml": KB, "articles/outage.md": long}
    found = [str(finding) for finding in lint(write(tmp_path, files), TODAY)]
    assert not [line for line in found if "words. Keep" in line]
