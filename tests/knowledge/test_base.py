from datetime import date
from pathlib import Path

import msgspec
import pytest
from folders import ARTICLE, CALL, CHECKLIST, GOOD, KB, LEXICON, TEST, TRIGGERS, write

from rtig import knowledge
from rtig.core.conditions import Means, Monologue, MoodAt, NotSaid, Said, SaidAgain, Silence, TalkOver
from rtig.core.frustration import Signal, Temper
from rtig.core.policy import Attention
from rtig.core.triggers import Clause, StepSource
from rtig.errors import PlaybookErrors
from rtig.knowledge.base import Spot
from rtig.script import Line
from rtig.script import Silence as Pause

SHIPPED = Path(__file__).parents[2] / "knowledge_base"


def problems(tmp_path: Path, **files: str | bytes) -> str:
    """What is wrong with the good folder after some of its files were replaced, as text."""
    names = {name.partition("/")[0].replace(".yaml", ""): name for name in GOOD}
    changed: dict[str, str | bytes] = {**GOOD, **{names.get(kind, kind): text for kind, text in files.items()}}
    with pytest.raises(PlaybookErrors) as caught:
        knowledge.read(write(tmp_path, changed))
    return str(caught.value)


def trigger(lines: str) -> str:
    return "triggers:\n  - id: t\n    title: T\n" + "".join(f"    {line}\n" for line in lines.split("\n"))


def test_a_folder_becomes_a_source(tmp_path: Path) -> None:
    base = knowledge.read(write(tmp_path, GOOD))
    article, manager, record = base.source.rules
    assert article.id == "doubled-bill"
    assert article.kind == "article"
    assert article.clauses == (Clause(Said(("bill has doubled", "why so expensive")), ("joking about it",)),)
    assert (article.priority, article.cooldown_ms) == (50, 600_000)
    assert article.article is not None
    assert (article.article.id, article.article.review_by, len(article.article.version)) == (
        "doubled-bill",
        "2027-01-31",
        8,
    )
    assert article.body == "<p>Look at the <em>last two</em> bills.</p>"
    assert [step.text for step in article.steps] == ["Open both bills.", "Compare plan and calls."]
    assert manager.clauses == (Clause(Said(("speak to (a|your) manager",)), (), ("put you through to",)),)
    assert (manager.kind, manager.cooldown_ms, manager.exempt) == ("coach", 180_000, False)
    assert record.clauses == (Clause(NotSaid(("call is recorded",), 20_000)),)
    assert (record.kind, record.once, record.exempt, record.cooldown_ms) == ("alert", True, True, 120_000)
    [checklist] = base.source.checklists
    assert (checklist.id, checklist.opened_by, checklist.steps[0].party) == ("opening", (), "agent")
    [signal] = base.source.signals
    assert (signal.signal, signal.said) == (Signal("again", "has called before", 0.4), ("third time I call",))
    assert base.source.valence == {"cancel": 0.0}
    assert base.calls["doubled"].lines == (
        Line("agent", "good morning this call is recorded"),
        Line("customer", "my bill has doubled"),
    )
    assert base.trials[0].script is base.calls["doubled"]
    assert base.pages[0].review_by == date(2027, 1, 31)
    assert base.spots["ask-manager"] == ("triggers/coaching.yaml", 2, 9)
    assert base.spots["ask-manager:speak to (a|your) manager"] == ("triggers/coaching.yaml", 5, 12)


def test_attention_and_mood(tmp_path: Path) -> None:
    kb = (
        "name: X\nlanguage: cy\nattention: {gap: 500ms, patience: 1m, ttl: 2m, preempt: 10}\n"
        "mood:\n  half_life: 30s\n  tense: 0.1\n  frustrated: 0.2\n  critical: 0.3\n  hysteresis: 0.05\n"
    )
    source = knowledge.load(write(tmp_path, {"kb.yaml": kb}))
    assert source.attention == Attention(500, 60_000, 120_000, 10)
    assert source.temper == Temper(30_000, 0.1, 0.2, 0.3, 0.05)
    assert (source.name, source.language) == ("X", "cy")


def test_what_is_left_out_is_the_documented_default(tmp_path: Path) -> None:
    source = knowledge.load(write(tmp_path, {"kb.yaml": KB}))
    assert (source.attention, source.temper, source.language) == (Attention(), Temper(), "en")


@pytest.mark.parametrize(
    ("lines", "condition"),
    [
        ("said: [a b]\nparty: any\nfirst: 60s", Said(("a b",), "any", 60_000)),
        ("said: [a b]\npast: 2m", Said(("a b",), "customer", None, 120_000)),
        ("said: [a b]\nfirst: 2m\npast: 1m", Said(("a b",), "customer", 120_000, 60_000)),
        ("not_said: [a b]\nwithin: 5s\nparty: customer", NotSaid(("a b",), 5_000, "customer")),
        ("said_again: [a b]\nwithin: 5s", SaidAgain(("a b",), 5_000, "agent")),
        (
            "said_again: [a b]\nwithin: 5s\nparty: customer\nlasting: 1s\ntolerance: none",
            SaidAgain(("a b",), 5_000, "customer", 1_000, "none"),
        ),
        ("mood: critical", MoodAt("critical")),
        ("silence: 20s", Silence(20_000)),
        ("talk_over: 3\nwithin: 1m", TalkOver(3, 60_000)),
        ("monologue: 45s", Monologue(45_000)),
        ("monologue: 45s\nparty: customer", Monologue(45_000, "customer")),
    ],
)
def test_each_condition(tmp_path: Path, lines: str, condition: object) -> None:
    source = knowledge.load(write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": trigger(lines)}))
    assert source.rules[0].clauses[0].condition == condition


def test_a_trigger_keeps_its_limits(tmp_path: Path) -> None:
    lines = "mood: tense\npriority: 7\nstatus: draft\nqueues: [billing]\nonce: true\nbody: Say *sorry*."
    [rule] = knowledge.load(write(tmp_path, {"kb.yaml": KB, "triggers/t.yaml": trigger(lines)})).rules
    assert (rule.priority, rule.draft, rule.queues, rule.once) == (7, True, ("billing",), True)
    assert rule.body == "<p>Say <em>sorry</em>.</p>"


def test_an_articles_triggers_may_set_its_card(tmp_path: Path) -> None:
    text = (
        "---\nid: a\ntitle: A\ntriggers:\n  - said: [x y]\n    cooldown: 1m\n    priority: 9\n  - said: [y z]\n---\nB\n"
    )
    [rule] = knowledge.load(write(tmp_path, {"kb.yaml": KB, "articles/a.md": text})).rules
    assert (rule.cooldown_ms, rule.priority, len(rule.clauses)) == (60_000, 9, 2)


def test_html_is_cleaned_once_at_load(tmp_path: Path) -> None:
    body = (
        '<script>alert(1)</script><img src="https://x.example/p.png" onerror="x()">\n\n[ok](https://example.com)\n\n'
        "[no](javascript:x())\n\n## Steps\n\n1. One <b onclick=x>bold</b>\n2. Two\n   - nested\n\nAfter.\n"
    )
    [rule] = knowledge.load(
        write(tmp_path, {"kb.yaml": KB, "articles/a.md": f"---\nid: a\ntitle: A\n---\n{body}"})
    ).rules
    assert "script" not in rule.body.replace("javascript:x()", "")
    assert "<img" not in rule.body
    assert 'href="https://example.com"' in rule.body
    assert 'href="javascript' not in rule.body
    assert rule.body.endswith("<p>After.</p>")
    assert [step.text for step in rule.steps] == ["One bold", "Two nested"]


STEPPED = """---
id: a
title: A
---
Read this.

## Steps

1. Open the bill.
2. Say what *changed*.
   - said: your discount* (has)? ended
   - said: went up ~3 from
   - the date is on page 2
3. Offer a plan.

   - Said: move you to another plan
"""


def test_what_is_said_ticks_the_step_above_it(tmp_path: Path) -> None:
    base = knowledge.read(write(tmp_path, {"kb.yaml": KB, "articles/a.md": STEPPED}))
    [rule] = base.source.rules
    assert rule.steps == (
        StepSource("1", "Open the bill."),
        StepSource("2", "Say what changed. the date is on page 2", ("your discount* (has)? ended", "went up ~3 from")),
        StepSource("3", "Offer a plan.", ("move you to another plan",)),
    )
    assert "said" not in rule.body
    assert base.spots["a/steps:went up ~3 from"] == Spot("articles/a.md", 12, 12)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("went up ~ from", "articles/a.md:12:20: "),
        ("", "articles/a.md:12:11: no words stand behind `said:`. Write the words that tick the step"),
        ("it is {nowhere}", "articles/a.md:12:12: there is no slot `nowhere`"),
    ],
)
def test_what_ticks_no_step_is_told_with_its_place(tmp_path: Path, bad: str, told: str) -> None:
    text = STEPPED.replace("went up ~3 from", bad).replace("said: \n", "said:\n")
    with pytest.raises(PlaybookErrors) as caught:
        knowledge.read(write(tmp_path, {"kb.yaml": KB, "articles/a.md": text}))
    assert told in str(caught.value)


def test_the_version_of_an_article_follows_its_text(tmp_path: Path) -> None:
    one = knowledge.load(write(tmp_path / "1", GOOD)).rules[0].article
    same = knowledge.load(write(tmp_path / "2", GOOD)).rules[0].article
    other = knowledge.load(write(tmp_path / "3", {**GOOD, "articles/billing/doubled-bill.md": ARTICLE + "x\n"})).rules[
        0
    ]
    assert one == same != other.article


def test_the_order_of_files_does_not_depend_on_the_disk(tmp_path: Path) -> None:
    there = dict(GOOD)
    back = dict(reversed(list(GOOD.items())))
    one, other = knowledge.load(write(tmp_path / "1", there)), knowledge.load(write(tmp_path / "2", back))
    assert knowledge.compiled(one).version == knowledge.compiled(other).version


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    windows = {name: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() for name, text in GOOD.items()}
    assert knowledge.load(write(tmp_path / "w", windows)) == knowledge.load(write(tmp_path / "u", GOOD))


def test_a_script(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "id: s\ntitle: S\nchannel: chat\nqueue: q\nagent: a\ncustomer: c\nseed: 9\nlines:\n  - silence: 4\n"
        "  - noise: mm\n  - agent: hello\n    pause: -1\n    final: false\n"
    )
    script = knowledge.read_script(path)
    assert script.lines == (Pause(4.0), Line("unknown", "mm"), Line("agent", "hello", -1.0, False))
    assert (script.channel, script.queue, script.agent, script.customer, script.seed) == ("chat", "q", "a", "c", 9)
    path.write_text("id: s\ntitle: S\nlines:\n  - agent: hello\n    pauses: 1\n")
    with pytest.raises(PlaybookErrors, match=r"s\.yaml:5:5: `pauses` is not a key here\. Did you mean `pause`\?"):
        knowledge.read_script(path)


BROKEN: dict[str, tuple[dict[str, str | bytes], str]] = {
    "unknown key": (
        {"triggers": trigger("said: [x y]\nprioritty: 5")},
        "triggers/coaching.yaml:5:5: `prioritty` is not a key here. Did you mean `priority`?",
    ),
    "unknown key, nothing like it": (
        {"kb": KB + "colour: red\n"},
        "kb.yaml:2:1: `colour` is not a key here. Keys here: name, language, meaning, attention, mood",
    ),
    "missing field": (
        {"triggers": "triggers:\n  - title: T\n    said: [x y]\n"},
        "triggers/coaching.yaml:2:5: `id` is missing. Ids are lower-case words joined by `-`, as in `bill-doubled`",
    ),
    "missing field of a file": ({"playbooks": "id: x\ntitle: X\n"}, "playbooks/opening.yaml:1:1: `steps` is missing"),
    "wrong type": (
        {"triggers": trigger("said: [x y]\npriority: high")},
        "triggers/coaching.yaml:5:15: `priority` must be a whole number, not text. "
        "Priority is a whole number from 0 to 100, 50 when left out",
    ),
    "out of bounds": (
        {"triggers": trigger("said: [x y]\npriority: 101")},
        "triggers/coaching.yaml:5:15: `priority` must be at most 100. "
        "Priority is a whole number from 0 to 100, 50 when left out",
    ),
    "text where a list belongs": (
        {"triggers": trigger("said: x y")},
        "triggers/coaching.yaml:4:11: `said` must be a list, not text. A list of phrases; any one of them is enough",
    ),
    "empty list": (
        {"triggers": trigger("said: []")},
        "triggers/coaching.yaml:4:11: `said` is an empty list. Put something into it or leave it out",
    ),
    "no value": (
        {"triggers": trigger("said: [x y]\ncooldown:")},
        "triggers/coaching.yaml:5:5: `cooldown` has no value. Give it one or leave it out",
    ),
    "bad duration": (
        {"triggers": trigger("said: [x y]\ncooldown: 3 minutes")},
        "triggers/coaching.yaml:5:15: `cooldown` cannot be `3 minutes`. "
        "Durations are whole numbers with `ms`, `s` or `m`, as in `20s`",
    ),
    "duration without unit": (
        {"kb": "name: X\nattention:\n  gap: 6\n"},
        "kb.yaml:3:8: `gap` must be text, not a whole number. "
        "Durations are whole numbers with `ms`, `s` or `m`, as in `20s`",
    ),
    "an empty item": (
        {"triggers": trigger("said:\n  - x y\n  -")},
        "triggers/coaching.yaml:6:8: this item of the list is empty",
    ),
    "not one of": (
        {"triggers": trigger("mood: cross")},
        "triggers/coaching.yaml:4:11: `mood` cannot be `cross`. It is one of `critical`, `frustrated`, `tense`",
    ),
    "phrase is a number": (
        {"triggers": trigger("said: [x y, 911]")},
        "triggers/coaching.yaml:4:17: an item of `said` must be text, not a whole number. Words as people say them; "
        "`(a|b)` one of several, `(a)?` or nothing, `disconnect*` endings, `cancel+` inflections, "
        "`~3` up to three other words, `~3~` in either order, `{amount}` a slot, `!(a|b)` not followed by",
    ),
    "unreadable phrase": (
        {"triggers": trigger("said: [fine words, speak to (a manager]")},
        "triggers/coaching.yaml:4:33: this `(` is not closed",
    ),
    "unreadable phrase in quotes": (
        {"triggers": trigger('said:\n  - "bill ~ higher"')},
        "triggers/coaching.yaml:5:15: `~` needs a number of words from 1 to 12, as in `bill ~3 higher`",
    ),
    "unreadable phrase over several lines": (
        {"triggers": trigger("said:\n  - >-\n    speak to\n    (a manager")},
        "triggers/coaching.yaml:5:9: this `(` is not closed",
    ),
    "unreadable unless in an article": (
        {"articles": ARTICLE.replace("joking about it", "um")},
        "articles/billing/doubled-bill.md:8:14: a filler or a punctuation mark is never heard as a word",
    ),
    "bad id": (
        {"triggers": TRIGGERS.replace("ask-manager", "Ask_Manager")},
        "triggers/coaching.yaml:2:9: `id` cannot be `Ask_Manager`. "
        "Ids are lower-case words joined by `-`, as in `bill-doubled`",
    ),
    "id taken": (
        {"playbooks": CHECKLIST.replace("id: opening", "id: again")},
        "playbooks/opening.yaml:1:5: the id `again` is taken",
    ),
    "no condition": (
        {"triggers": trigger("say: Hello.")},
        "triggers/coaching.yaml:2:5: there is no condition. "
        "Give one of `said`, `not_said`, `said_again`, `means`, `mood`, `score`, "
        "`silence`, `talk_over`, `monologue`, `hold`, `talk_share`, `slot`, `all`, `any`, `not`",
    ),
    "two conditions": (
        {"triggers": trigger("said: [x y]\nsilence: 3s")},
        "triggers/coaching.yaml:5:5: `said` and `silence` are two conditions. "
        "Give one, or join them with `all` or `any`",
    ),
    "two conditions in an article": (
        {"articles": ARTICLE.replace("    unless: [joking about it]", "    mood: tense")},
        "articles/billing/doubled-bill.md:8:5: `said` and `mood` are two conditions. "
        "Give one, or join them with `all` or `any`",
    ),
    "a limit beside the wrong condition": (
        {"triggers": trigger("silence: 20s\nwithin: 3s")},
        "triggers/coaching.yaml:5:5: `within` means nothing beside `silence`. It goes with `not_said` or"
        " `said_again` or `talk_over`",
    ),
    "not said, within what time": (
        {"triggers": trigger("not_said: [x y]")},
        "triggers/coaching.yaml:4:5: `not_said` needs `within`. Say within which time, as in `45s`",
    ),
    "an empty window": (
        {"triggers": trigger("said: [x y]\nfirst: 10s\npast: 10s")},
        "triggers/coaching.yaml:5:12: nothing lies within `first` and after `past`. Make `first` the longer one",
    ),
    "no time at all": (
        {"triggers": trigger("silence: 0s")},
        "triggers/coaching.yaml:4:14: `silence` must be longer than nothing",
    ),
    "anyone's monologue": (
        {"triggers": trigger("monologue: 9s\nparty: any")},
        "triggers/coaching.yaml:5:12: a monologue is the customer's or the agent's. `party` is one of them",
    ),
    "tab": (
        {"triggers": "triggers:\n\t- id: x\n"},
        "triggers/coaching.yaml:2:1: this is not YAML: found character '\\t' that cannot start any token. "
        "Indent with spaces, not tabs",
    ),
    "colon in a plain text": (
        {"triggers": trigger("say: Look: here\nsaid: [x y]")},
        "triggers/coaching.yaml:4:14: this is not YAML: mapping values are not allowed here. "
        "Put quotes around a text that has `: ` in it",
    ),
    "unclosed list": (
        {"triggers": trigger("said: [x y")},
        "triggers/coaching.yaml:5:1: this is not YAML: expected ',' or ']', but got '<stream end>'",
    ),
    "two documents": (
        {"playbooks": CHECKLIST + "---\nid: b\n"},
        "playbooks/opening.yaml:7:1: this is not YAML: but found another document. "
        "One file holds one document: remove the `---`",
    ),
    "a control character": (
        {"playbooks": "id: a\x07b\n"},
        "playbooks/opening.yaml:1:1: the character #x0007 may not stand in YAML. Remove control characters",
    ),
    "nothing in the file": ({"lexicons": "# only a remark\n"}, "lexicons/service.yaml:1:1: there is nothing in here"),
    "a list for a file": (
        {"triggers": "- id: x\n"},
        "triggers/coaching.yaml:1:1: the file must be keys with values, not a list",
    ),
    "key given twice": (
        {"triggers": trigger("said: [x y]\nsaid: [y z]")},
        "triggers/coaching.yaml:5:5: `said` is given twice. The first one is in line 4",
    ),
    "a key that is no text": ({"kb": "name: X\n? [a]\n: b\n"}, "kb.yaml:2:3: a key must be a text"),
    "an alias that holds itself": (
        {"kb": "name: X\nmood: &m\n  tense: *m\n"},
        "kb.yaml:2:7: this is nested too deeply",
    ),
    "not UTF-8": (
        {"lexicons": b"signals:\n  - id: caf\xe9\n"},
        "lexicons/service.yaml:2:12: this is not UTF-8. Save the file as UTF-8",
    ),
    "no front matter": (
        {"articles": "# Title\n"},
        "articles/billing/doubled-bill.md:1:1: there is no front matter. "
        "Begin with a line `---`, then `id`, `title` and so on, then `---`",
    ),
    "front matter without end": (
        {"articles": "---\nid: a\ntitle: A\n"},
        "articles/billing/doubled-bill.md:1:1: the front matter does not end. End it with a line `---`",
    ),
    "steps without a list": (
        {"articles": ARTICLE.replace("1. Open both bills.\n2. Compare `plan` and\n   calls.\n", "Open both.\n")},
        "articles/billing/doubled-bill.md:12:1: `## Steps` is not followed by a numbered list. Write `1. "
        "First step` under it",
    ),
    "bad date": (
        {"articles": ARTICLE.replace("2027-01-31", "31 January")},
        "articles/billing/doubled-bill.md:5:12: `review_by` cannot be `31 January`. "
        "Dates are written as in `2026-07-01`",
    ),
    "no such day": (
        {"articles": ARTICLE.replace("2027-01-31", "2027-02-31")},
        "articles/billing/doubled-bill.md:5:12: there is no day `2027-02-31`",
    ),
    "an article's triggers disagree": (
        {"articles": ARTICLE.replace("    unless", "    cooldown: 1m\n  - said: [q r]\n    cooldown: 2m\n    unless")},
        "articles/billing/doubled-bill.md:10:15: `cooldown` is said otherwise by another trigger. "
        "An article is one card",
    ),
    "bands that do not rise": (
        {"kb": "name: X\nmood: {tense: 0.6}\n"},
        "kb.yaml:2:7: the bands must rise: `tense` below `frustrated` below `critical`",
    ),
    "hysteresis too big": (
        {"kb": "name: X\nmood:\n  hysteresis: 0.3\n"},
        "kb.yaml:3:15: `hysteresis` must be smaller than `tense`, or nobody calms down",
    ),
    "a half life of nothing": (
        {"kb": "name: X\nmood:\n  half_life: 0s\n"},
        "kb.yaml:3:14: `half_life` must be longer than nothing",
    ),
    "two steps of one name": (
        {"playbooks": CHECKLIST + "  - id: greet\n    text: Again\n    said: [hello there]\n"},
        "playbooks/opening.yaml:7:9: two steps are called `greet`. The first one is in line 4",
    ),
    "a checklist that opens oddly": (
        {"playbooks": CHECKLIST.replace("steps:", "when: never\nsteps:")},
        "playbooks/opening.yaml:3:7: `when` cannot be `never`. "
        "`always`, or `said:` with phrases that open the checklist",
    ),
    "a weight out of bounds": (
        {"lexicons": LEXICON.replace("cancel: 0", "fine: 1\n  cancel: -9")},
        "lexicons/service.yaml:3:11: `cancel` must be at least -4. VADER's scale, -4 to 4; 0 is no weight",
    ),
    "a weight for a phrase": (
        {"lexicons": LEXICON.replace("cancel: 0", "not good: -1")},
        "lexicons/service.yaml:2:3: `not good` is not one lower-case word. Phrases belong under `signals`",
    ),
    "a line that two speak": (
        {"calls": CALL.replace("  - customer", "    customer")},
        "calls/doubled.yaml:5:5: `agent` and `customer` in one line. "
        "A line has one of `agent`, `customer`, `noise` and `silence`",
    ),
    "a line that nobody speaks": (
        {"calls": CALL.replace("  - customer: my bill has doubled", "  - pause: 2")},
        "calls/doubled.yaml:6:5: nobody speaks in this line. "
        "A line has one of `agent`, `customer`, `noise` and `silence`",
    ),
    "a silence with a pause": (
        {"calls": CALL + "  - silence: 4\n    pause: 2\n"},
        "calls/doubled.yaml:7:5: a silence has no `pause` and no `final`",
    ),
    "a line of spaces": (
        {"calls": CALL.replace("my bill has doubled", '" "')},
        "calls/doubled.yaml:6:5: this line has no words",
    ),
    "an endless call": (
        {"calls": CALL + "".join("  - silence: 3600\n" for _ in range(5))},
        "calls/doubled.yaml:5:3: this call would last longer than four hours",
    ),
    "a test of no call": (
        {"tests": TEST.replace("call: doubled", "call: doubled-up")},
        "tests/doubled.yaml:3:7: there is no sample call `doubled-up`. `call` names an id in calls/",
    ),
    "a test of two calls": (
        {"tests": TEST + "lines:\n  - agent: hello\n"},
        "tests/doubled.yaml:3:7: `call` and `lines` are two calls. A test plays one of them",
    ),
    "a test without a call": (
        {"tests": TEST.replace("call: doubled\n", "")},
        "tests/doubled.yaml:1:1: this test has no lines. Give it `lines`, or name a sample call with `call`",
    ),
    "a test that expects nothing": (
        {"tests": "id: t\ntitle: T\ncall: doubled\n"},
        "tests/doubled.yaml:1:1: this test expects nothing. Give it `expect`, `alerts`, `ticked` or `never`",
    ),
    "a test of a line beyond the call": (
        {"tests": TEST.replace("line: 2", "line: 3")},
        "tests/doubled.yaml:6:11: there is no line 3. The call has 2 lines",
    ),
    "no kb.yaml": ({"kb": ""}, "kb.yaml: is missing. A knowledge base has a kb.yaml with at least a `name`"),
    "a file of another kind": (
        {"triggers/more.yml": TRIGGERS},
        "triggers/more.yml: this file would not be read: triggers/ holds files that end in `.yaml`",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_pointed_at(tmp_path: Path, name: str) -> None:
    files, expected = BROKEN[name]
    text = problems(tmp_path, **files)
    if name == "id taken":
        expected += ". It is also in"
        assert text.startswith(
            "lexicons/service.yaml:4:9: the id `again` is taken. It is also in playbooks/opening.yaml:1:5"
        )
        return
    assert expected in text.splitlines()


def test_everything_is_told_at_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    text = problems(
        tmp_path,
        kb="name: 5\nmoood: {}\n",
        triggers=trigger("said: [x (y]\npriority: 500\ncooldown: soon\nonce: perhaps"),
        playbooks="id: X\ntitle: []\nsteps: none\n",
    )
    assert [line.partition(": ")[0] for line in text.splitlines()] == [
        "kb.yaml:1:7",
        "kb.yaml:2:1",
        "playbooks/opening.yaml:1:5",
        "playbooks/opening.yaml:2:8",
        "playbooks/opening.yaml:3:8",
        "triggers/coaching.yaml:4:14",
        "triggers/coaching.yaml:5:15",
        "triggers/coaching.yaml:6:15",
        "triggers/coaching.yaml:7:11",
    ]


def test_one_mistake_is_told_once(tmp_path: Path) -> None:
    """A part that falls out does not make the whole around it wrong."""
    text = problems(tmp_path, triggers="triggers:\n  - id: X\n    title: T\n    said: [a b]\n")
    assert text.splitlines() == [
        "triggers/coaching.yaml:2:9: `id` cannot be `X`. Ids are lower-case words joined by `-`, as in `bill-doubled`"
    ]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlaybookErrors, match="there is no such folder"):
        knowledge.compile_folder(tmp_path / "nowhere")


def test_what_a_slot_waits_for_may_be_meant(tmp_path: Path) -> None:
    waiting = 'id: day, kind: date, said: ["on {day}"], when: {means: [I would like to move my appointment]}'
    base = knowledge.read(write(tmp_path, {**GOOD, "slots/slots.yaml": f"slots: [{{{waiting}}}]\n"}))
    (meaning,) = base.source.meanings
    assert (meaning.id, meaning.rule, meaning.queues) == ("day", "day", ())
    assert meaning.examples == ("I would like to move my appointment",)
    assert base.source.slots[0].when == Means("day")


def test_schemas_know_phrases_and_durations() -> None:
    made = knowledge.schemas()
    assert set(made) == {"kb", "article", "triggers", "slots", "playbook", "lexicon", "call", "test"}
    for schema in made.values():
        assert msgspec.json.decode(msgspec.json.encode(schema)) == schema
    text = msgspec.json.encode(made["triggers"]).decode()
    assert "Durations are whole numbers" in text
    assert "Words as people say them" in text


def test_an_installed_package_carries_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtig.shipped.__file__", str(tmp_path / "rtig" / "shipped.py"))
    assert knowledge.shipped() == tmp_path / "rtig" / "knowledge_base"


def test_the_shipped_knowledge_base_is_read_and_folds() -> None:
    assert knowledge.shipped() == SHIPPED
    base = knowledge.read(SHIPPED)
    assert len(base.source.rules) > 50
    assert knowledge.compile_folder(SHIPPED).version == knowledge.compiled(base.source).version


def test_a_rule_to_the_supervisors_is_an_alert_and_holds_nothing_of_a_card(tmp_path: Path) -> None:
    text = trigger("to: supervisors\nall:\n  - said: [my lawyer]\n  - mood: tense\nqueues: [billing]\nstatus: draft")
    source = knowledge.load(write(tmp_path, {**GOOD, "triggers/t.yaml": text}))
    rule = next(rule for rule in source.rules if rule.id == "t")
    assert (rule.to, rule.kind, rule.title, rule.queues, rule.draft) == (
        "supervisors",
        "alert",
        "T",
        ("billing",),
        True,
    )
    assert {one.to for one in source.rules if one.id != "t"} == {"agent"}
    for line in (
        "kind: coach",
        "say: Hello.",
        "say_without: Hello.",
        "body: Text.",
        "priority: 5",
        "cooldown: 1m",
        "once: true",
        "exempt: true",
    ):
        key = line.partition(":")[0]
        told = problems(tmp_path, **{"triggers/t.yaml": trigger(f"to: supervisors\nsaid: [my lawyer]\n{line}")})
        assert f"triggers/t.yaml:6:5: `{key}` means nothing beside `to: supervisors`" in told
    told = problems(tmp_path, **{"triggers/t.yaml": trigger("to: managers\nsaid: [my lawyer]")})
    assert "`agent` or `supervisors`" in told or "supervisors" in told
    assert "`title` is missing" in problems(
        tmp_path, **{"triggers/t.yaml": "triggers:\n  - id: t\n    to: supervisors\n    said: [my lawyer]\n"}
    )
