"""What authors are told before a change goes live."""

from pathlib import Path

import pytest
import samples
from folders import CALL, GOOD, KB, TEST, write

from rtig import knowledge
from rtig.core.playbook import Playbook
from rtig.core.utterances import Reading
from rtig.knowledge import authoring


def trigger(name: str, lines: str, say: str = "Something to say.") -> str:
    said = f"    say: {say}\n" if say else ""
    return f"  - id: {name}\n    title: T\n{said}" + "".join(f"    {line}\n" for line in lines.split("\n"))


# --- tests


def verdict(tmp_path: Path, test: str, call: str = CALL) -> authoring.Verdict:
    base = knowledge.read(write(tmp_path, {**GOOD, "calls/doubled.yaml": call, "tests/doubled.yaml": test}))
    [result] = authoring.run_tests(base)
    return result


def test_a_test_that_passes(tmp_path: Path) -> None:
    result = verdict(tmp_path, TEST)
    assert result.passed
    assert result.diff == ()
    assert result.shown == (authoring.Shown(card="doubled-bill", line=2, words="bill has doubled"),)


def test_a_missing_card_says_why(tmp_path: Path) -> None:
    result = verdict(
        tmp_path, TEST.replace("never: [ask-manager]", "  - card: ask-manager\n  - card: record\n    line: 1")
    )
    assert not result.passed
    assert result.diff[0] == '  doubled-bill, line 2: "bill has doubled"'
    assert result.diff[1].startswith("- ask-manager: ")
    assert result.diff[2].startswith("- record, brought by line 1: `call is recorded` was said at 0:02.2")


def test_another_line_and_a_card_too_many(tmp_path: Path) -> None:
    result = verdict(tmp_path, TEST.replace("line: 2", "line: 1"))
    assert result.diff == (
        "- doubled-bill, brought by line 1",
        '+ doubled-bill, line 2: "bill has doubled"',
    )
    assert verdict(tmp_path, "id: t\ntitle: T\ncall: doubled\nexpect: []\n").diff == (
        '+ doubled-bill, line 2: "bill has doubled"',
    )


def test_never(tmp_path: Path) -> None:
    assert verdict(tmp_path, "id: t\ntitle: T\ncall: doubled\nnever: [doubled-bill]\n").diff == (
        '! doubled-bill, line 2: "bill has doubled": must never be shown here',
    )
    assert verdict(tmp_path, "id: t\ntitle: T\ncall: doubled\nnever: [record]\n").passed


def test_a_card_without_words(tmp_path: Path) -> None:
    call = "id: doubled\ntitle: T\nlines:\n  - agent: hello\n  - silence: 30\n  - agent: hello\n"
    result = verdict(tmp_path, "id: t\ntitle: T\ncall: doubled\nexpect:\n  - card: nobody\n", call)
    assert result.diff == ("- nobody: no article or trigger has this id", "+ record, without words")


def test_scripts_are_masked_as_a_server_masks_them(tmp_path: Path) -> None:
    base = knowledge.read(
        write(tmp_path, {**GOOD, "calls/doubled.yaml": CALL + "  - customer: it is 4111 1111 1111 1111\n"})
    )
    texts = [getattr(event, "text", "") for event in authoring.performed(base.calls["doubled"])]
    assert not any("1111" in text for text in texts)
    assert any("[card number]" in text for text in texts)


# --- one sentence


def test_what_a_sentence_brings_up(tmp_path: Path) -> None:
    book = knowledge.compile_folder(write(tmp_path, GOOD))
    tried = authoring.try_sentence(book, "Well, my bill has doubled and it's the third time I call!")
    [fired] = tried.fired
    assert (fired.rule, fired.phrase, fired.held_back) == ("doubled-bill", "bill has doubled", "")
    assert [quote.text for quote in fired.words] == ["bill has doubled"]
    assert tried.score == pytest.approx(0.4)
    assert tried.band == "tense"
    assert [reason.what for reason in tried.reasons] == ["has called before"]


def test_what_holds_a_card_back(tmp_path: Path) -> None:
    texts = trigger("d", "said: [red car]\nstatus: draft") + trigger("q", "said: [red car]\nqueues: [sales]")
    texts += trigger("u", "said: [red car]\nunless: [my red car]") + trigger("w", "said: [red car]\npast: 60s")
    texts += trigger("a", "said: [red car]\nparty: agent")
    book = knowledge.compile_folder(write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": "triggers:\n" + texts}))
    tried = authoring.try_sentence(book, "this is my red car")
    assert {fired.rule: fired.held_back for fired in tried.fired} == {
        "d": "it is a draft",
        "q": "only in the queues sales",
        "u": "`my red car` under `unless` was said too",
    }
    assert {miss.rule: miss.because for miss in tried.near} == {
        "a": "it listens to the agent",
        "w": "it is heard only after the first 60 s",
    }
    later = authoring.try_sentence(book, "this is my red car", queue="sales", at_ms=61_000)
    assert [fired.rule for fired in later.fired if not fired.held_back] == ["q", "w"]
    assert authoring.try_sentence(book, "a red car", "agent").fired[0].rule == "a"


def test_what_came_near(tmp_path: Path) -> None:
    book = knowledge.compile_folder(write(tmp_path, GOOD))
    tried = authoring.try_sentence(book, "has it doubled, the bill? could I speak to the manager")
    assert not tried.fired
    assert [(miss.rule, miss.because) for miss in tried.near] == [
        ("doubled-bill", "all of its words, in another order or too far apart"),
        ("ask-manager", "not said: `(a|your)`"),
    ]
    assert not authoring.try_sentence(book, "").near


def test_what_did_not_hold_beside_the_words(tmp_path: Path) -> None:
    both = trigger("b", "all:\n  - said: [red car]\n  - mood: frustrated")
    book = knowledge.compile_folder(write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": "triggers:\n" + both}))
    [miss] = authoring.try_sentence(book, "this is my red car").near
    assert miss.because == "what did not hold then: the customer became frustrated"


def test_what_must_not_be_said_is_no_near_miss(tmp_path: Path) -> None:
    whole = trigger("b", "all:\n  - said: [green car]\n  - not:\n      said: [red car]")
    book = knowledge.compile_folder(write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": "triggers:\n" + whole}))
    assert authoring.try_sentence(book, "this is my red car").near == ()


SLOTS = """slots:
  - id: first_name
    kind: name
    said: ["my name is {first_name}"]
"""


def test_what_is_said_with_what_was_captured(tmp_path: Path) -> None:
    texts = trigger("a", "said: [red car]", say='"{first_name|Right}, I see."')
    texts += trigger("b", "said: [blue car]\nsay_without: Who are you?", say='"Well {first_name}."')
    files = {"kb.yaml": KB, "slots/s.yaml": SLOTS, "triggers/t.yaml": "triggers:\n" + texts}
    book = knowledge.compile_folder(write(tmp_path, files))
    tried = authoring.try_sentence(book, "my name is Anna and I have a red car and a blue car")
    assert {fired.rule: fired.say for fired in tried.fired} == {"a": "Anna, I see.", "b": "Well Anna."}
    assert tried.slots == {"first_name": "Anna"}
    without = authoring.try_sentence(book, "a red car and a blue car")
    assert {fired.rule: fired.say for fired in without.fired} == {"a": "Right, I see.", "b": "Who are you?"}
    assert without.slots == {}


def article(name: str, sentence: str) -> str:
    return f"---\nid: {name}\ntitle: About {name}\nsay: Yes.\ntriggers:\n  - means: {sentence}\n---\nThe {name}.\n"


@pytest.fixture
def meanings(tmp_path: Path) -> Playbook:
    files = {f"articles/{name}.md": article(name, f"they ask about the {name}") for name in ("apple", "pear", "plum")}
    return knowledge.compile_folder(write(tmp_path, {"kb.yaml": KB, **files}))


def test_what_is_meant_and_what_it_competed_with(meanings: Playbook) -> None:
    tried = authoring.try_sentence(
        meanings,
        "something sweet",
        read=lambda queue, said: [Reading({"apple": 0.8, "pear": 0.75, "plum": 0.1}) for _ in said],
    )
    [fired] = tried.fired
    assert (fired.rule, fired.score, fired.near) == ("apple", 0.8, ("pear",))
    assert tried.likely is not None
    assert [(one.rule, one.score, one.meant, one.lost_to) for one in tried.likely] == [
        ("apple", 0.8, True, ""),
        ("pear", 0.75, False, "apple"),
        ("plum", 0.1, False, ""),
    ]


def test_without_a_model_nothing_is_said_of_what_is_meant(meanings: Playbook) -> None:
    assert authoring.try_sentence(meanings, "something sweet").likely is None


def test_articles_that_a_search_finds(meanings: Playbook) -> None:
    by_words = authoring.try_sentence(meanings, "the plum")
    assert by_words.articles[0].article == "plum"
    both = authoring.try_sentence(meanings, "the plum", find=lambda query, most: [("pear", 0.9), ("plum", 0.8)])
    assert [found.article for found in both.articles][:2] == ["plum", "pear"]


def test_what_was_heard_otherwise(tmp_path: Path) -> None:
    book = knowledge.compile_folder(write(tmp_path, GOOD))
    [fired] = authoring.try_sentence(book, "could I speak to your manger").fired
    assert [(bend.heard, bend.meant) for bend in fired.bends] == [("manger", "manager")]


def test_a_test_may_be_played_with_a_model(tmp_path: Path) -> None:
    test = "id: t\ntitle: T\nlines:\n  - customer: something sweet\nexpect:\n  - card: apple\n"
    files = {"kb.yaml": KB, "articles/a.md": article("apple", "they ask about the apple"), "tests/t.yaml": test}
    base = knowledge.read(write(tmp_path, files))
    [without] = authoring.run_tests(base)
    assert without.diff == ("- apple: No model has read this call, so nothing was understood but words.",)
    [within] = authoring.run_tests(base, read=lambda queue, said: [Reading({"apple": 0.9}) for _ in said])
    assert within.passed


def test_what_is_ticked(tmp_path: Path) -> None:
    book = knowledge.compile_folder(write(tmp_path, GOOD))
    assert authoring.try_sentence(book, "Good morning!", "agent").ticked == ("opening/greet",)


STEPPED = """---
id: doubled-bill
title: A doubled bill
triggers:
  - said: [bill has doubled]
---
Look for an ended discount.

## Steps

1. Open both bills.
2. Name what ended.
   - said: discount (has)? ended
3. Offer a plan.
   - said: move you to
"""


def test_a_test_may_say_which_steps_are_ticked(tmp_path: Path) -> None:
    call = CALL + "  - agent: I see that your discount ended in May\n"
    [own] = [path for path in GOOD if path.startswith("articles/")]
    files = {**GOOD, own: STEPPED, "calls/doubled.yaml": call}

    def diff(ticked: str) -> tuple[str, ...]:
        test = f"id: t\ntitle: T\ncall: doubled\nticked: [{ticked}]\n"
        [result] = authoring.run_tests(knowledge.read(write(tmp_path, {**files, "tests/doubled.yaml": test})))
        assert result.passed is not bool(result.diff)
        return result.diff

    assert diff("doubled-bill/2") == ()
    assert diff("opening/greet, doubled-bill/2") == ()
    assert diff("doubled-bill/2, doubled-bill/3") == ("- doubled-bill/3 ticked",)
    assert diff("doubled-bill/3") == ("- doubled-bill/3 ticked", "+ doubled-bill/2 ticked")


def test_a_sentence_says_which_steps_of_articles_it_would_tick(tmp_path: Path) -> None:
    [own] = [path for path in GOOD if path.startswith("articles/")]
    book = knowledge.compile_folder(write(tmp_path, {**GOOD, own: STEPPED}))
    said = "Good morning, your discount has ended"
    assert authoring.try_sentence(book, said, "agent").ticked == ("doubled-bill/2", "opening/greet")
    assert authoring.try_sentence(book, said, "customer").ticked == ()


def test_the_shipped_knowledge_base() -> None:
    shipped = samples.playbook()
    assert "bill-higher-than-expected" in [f.rule for f in authoring.try_sentence(shipped, "my bill has doubled").fired]


def test_the_shipped_tests_pass() -> None:
    failed = [v for v in authoring.run_tests(samples.base(), samples.playbook()) if not v.passed]
    assert not failed, "\n".join(line for v in failed for line in (v.id, *v.diff))


ALERT = "triggers:\n  - id: legal\n    to: supervisors\n    title: Legal\n    said: [my lawyer]\n"
SUED = "id: doubled\ntitle: A threat\nlines:\n  - customer: you will hear from my lawyer\n"


def test_a_test_may_expect_alerts(tmp_path: Path) -> None:
    def tested(test: str, call: str = SUED) -> authoring.Verdict:
        files = {**GOOD, "triggers/alerts.yaml": ALERT, "calls/doubled.yaml": call, "tests/doubled.yaml": test}
        [result] = authoring.run_tests(knowledge.read(write(tmp_path, files)))
        return result

    head = "id: t\ntitle: T\ncall: doubled\n"
    raised = tested(head + "expect: []\nalerts: [legal]\n")
    assert (raised.passed, raised.alerts, raised.shown) == (True, ("legal",), ())
    assert tested(head + "alerts: []\n").diff == ("+ alert legal",)
    assert tested(head + "never: [legal]\n").diff == ("! alert legal: must never be raised here",)
    missing = tested(head + "alerts: [legal]\n", SUED.replace("my lawyer", "me"))
    assert len(missing.diff) == 1
    assert missing.diff[0].startswith("- alert legal: None of its phrases was heard")


def test_a_sentence_says_that_it_would_alert_the_supervisors(tmp_path: Path) -> None:
    playbook = knowledge.compile_folder(write(tmp_path, {**GOOD, "triggers/alerts.yaml": ALERT}))
    (fired,) = authoring.try_sentence(playbook, "you will hear from my lawyer").fired
    assert (fired.rule, fired.to, fired.kind, fired.say) == ("legal", "supervisors", "alert", "")
