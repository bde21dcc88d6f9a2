"""What authors are told before a change goes live."""

from datetime import date
from pathlib import Path

import pytest
from folders import ARTICLE, CALL, GOOD, KB, LEXICON, TEST, write

from rtig import knowledge
from rtig.core.playbook import Playbook
from rtig.knowledge import authoring
from rtig.knowledge.authoring import Finding

TODAY = date(2026, 11, 1)
SHIPPED = Path(__file__).parents[2] / "knowledge_base"


def trigger(name: str, lines: str, say: str = "Something to say.") -> str:
    said = f"    say: {say}\n" if say else ""
    return f"  - id: {name}\n    title: T\n{said}" + "".join(f"    {line}\n" for line in lines.split("\n"))


def triggers(tmp_path: Path, *texts: str) -> list[str]:
    folder = write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": "triggers:\n" + "".join(texts)})
    return [str(finding) for finding in authoring.lint(folder, TODAY)]


def article(name: str, *phrases: str) -> str:
    said = "".join(f"      - {phrase}\n" for phrase in phrases)
    return f"---\nid: {name}\ntitle: {name}\nsay: Yes.\ntriggers:\n  - said:\n{said}---\nBody.\n"


# --- lint


def test_nothing_to_say_about_a_good_folder(tmp_path: Path) -> None:
    assert authoring.lint(write(tmp_path, GOOD), TODAY) == []


def test_errors_are_findings(tmp_path: Path) -> None:
    found = authoring.lint(write(tmp_path, {"kb.yaml": "nam: x\n"}), TODAY)
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
    found = authoring.lint(
        write(tmp_path, {**GOOD, "tests/doubled.yaml": TEST.replace("[ask-manager]", "[ask-boss]")}), TODAY
    )
    assert [str(finding) for finding in found] == [
        "tests/doubled.yaml:7:9: error: no article or trigger is called `ask-boss`. "
        "A card is named by the id of its article or trigger"
    ]


def test_review_dates(tmp_path: Path) -> None:
    folder = write(
        tmp_path, {**GOOD, "articles/billing/doubled-bill.md": ARTICLE.replace("say:", "valid_from: 2026-12-01\nsay:")}
    )
    assert [(f.line, f.problem) for f in authoring.lint(folder, date(2027, 2, 1))] == [
        (6, "`doubled-bill` was to be reviewed by 2027-01-31")
    ]
    assert [(f.line, f.problem) for f in authoring.lint(folder, TODAY)] == [
        (4, "`doubled-bill` is valid from 2026-12-01 on, and shown from now on")
    ]
    assert not authoring.lint(folder, date(2027, 1, 31))


def test_a_folder_with_a_name_that_is_nearly_right(tmp_path: Path) -> None:
    folder = write(tmp_path, {**GOOD, "trigger/t.yaml": "triggers: []\n", "pictures/README.md": "Not ours."})
    assert [str(finding) for finding in authoring.lint(folder, TODAY)] == [
        "trigger/: warning: this folder is not read. Did you mean `triggers/`?"
    ]


def test_a_single_common_word(tmp_path: Path) -> None:
    assert triggers(
        tmp_path, trigger("a", "said: [cancel my contract, (regulator|cancel), ombudsman, (the)? bill]")
    ) == [
        "triggers/t.yaml:5:32: warning: `cancel` alone is said in every other call. Three words say what is meant",
        "triggers/t.yaml:5:63: warning: `bill` alone is said in every other call. Three words say what is meant",
    ]


def test_a_card_with_nothing_to_say(tmp_path: Path) -> None:
    [found] = triggers(tmp_path, trigger("a", "mood: tense", say=""))
    assert found.startswith("triggers/t.yaml:2:9: warning: `a` has nothing to say")


def test_an_article_that_nothing_brings_up(tmp_path: Path) -> None:
    text = "---\nid: a\ntitle: A\nsay: B.\n---\nC\n"
    [found] = authoring.lint(write(tmp_path, {"kb.yaml": KB, "articles/a.md": text}), TODAY)
    assert found.problem == "nothing brings up `a`"


def test_phrases_that_nobody_says(tmp_path: Path) -> None:
    long = "I would like to know why my bill is so high"
    assert "every phrase of `a` is longer than 8 words" in triggers(tmp_path, trigger("a", f"said: [{long}]"))[0]
    assert not triggers(tmp_path, trigger("a", f"said: [{long}, why so high]"))


def test_a_phrase_that_is_always_excluded(tmp_path: Path) -> None:
    [found] = triggers(
        tmp_path, trigger("a", "said: [cancel the (contract|plan), end it all]\nunless: [cancel (the|my)]")
    )
    assert "this phrase never fires: `cancel (the|my)` under `unless` is part of it" in found
    assert not triggers(tmp_path, trigger("a", "said: [cancel (the|a) contract]\nunless: [cancel the]"))


def test_articles_that_the_same_words_bring_up(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {
            "kb.yaml": KB,
            "articles/a.md": article("a", "bill has (doubled|risen)"),
            "articles/b.md": article("b", "something else", "(my|the)? bill has risen"),
            "articles/c.md": article("c", "bill had risen"),
        },
    )
    [found] = authoring.lint(folder, TODAY)
    assert (found.path, found.line, found.column) == ("articles/b.md", 8, 9)
    assert found.problem == '"bill has risen" brings up `a` too'
    assert found.mend.startswith("See articles/a.md:7:9;")


def test_a_signal_that_weighs_nothing(tmp_path: Path) -> None:
    text = LEXICON.replace("0.4", "0").replace("third time I call", "help")
    found = authoring.lint(write(tmp_path, {"kb.yaml": KB, "lexicons/l.yaml": text}), TODAY)
    assert [f.problem for f in found] == [
        "the signal `again` weighs nothing",
        "`help` alone is said in every other call",
    ]


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


@pytest.fixture(scope="module")
def shipped() -> Playbook:
    return knowledge.compile_folder(SHIPPED)


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


def test_what_is_ticked(tmp_path: Path) -> None:
    book = knowledge.compile_folder(write(tmp_path, GOOD))
    assert authoring.try_sentence(book, "Good morning!", "agent").ticked == ("opening/greet",)


def test_the_shipped_knowledge_base(shipped: Playbook) -> None:
    assert not [f for f in authoring.lint(SHIPPED, date(2026, 11, 1)) if f.severity == "error"]
    assert "bill-higher-than-expected" in [f.rule for f in authoring.try_sentence(shipped, "my bill has doubled").fired]


def test_the_shipped_tests_pass(shipped: Playbook) -> None:
    failed = [v for v in authoring.run_tests(knowledge.read(SHIPPED), shipped) if not v.passed]
    assert not failed, "\n".join(line for v in failed for line in (v.id, *v.diff))
