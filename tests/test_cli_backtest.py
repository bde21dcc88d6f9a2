"""`rtig backtest`: what it prints, which recordings it takes, and how it refuses."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from folders import ARTICLE, GOOD, write
from typer.testing import CliRunner, Result

from rtig import cli, knowledge
from rtig.cli import trials
from rtig.core import events
from rtig.core.events import CallEnded, CallStarted, ClockTicked, SegmentHeard
from rtig.core.playbook import Playbook
from rtig.core.utterances import Reading, Utterance
from rtig.eventlog.port import CallKey
from rtig.eventlog.sqlite import SqliteLog
from rtig.lane.talk import Learn
from rtig.learning import lesson
from rtig.script import perform

SAID = [
    ("customer", 2, "good evening, my bill has doubled since May and nobody told me"),
    ("agent", 9, "this call is recorded"),
    ("customer", 40, "I was joking about it, why so expensive"),
    ("customer", 90, "I pay twice as much as then"),
]
WIDER = ARTICLE.replace("said: [bill has doubled,", "said: [pay twice as much,")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old", GOOD)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write(tmp_path / "new", GOOD | {"articles/billing/doubled-bill.md": WIDER})


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """Two dialogues, in the second of which nobody minds a bill."""
    turns = [{"speaker": speaker, "t_s": t_s, "text": text} for speaker, t_s, text in SAID]
    path = tmp_path / "calls.jsonl"
    path.write_text(
        "\n".join(json.dumps({"call_id": name, "turns": said}) for name, said in (("c-1", turns), ("c-2", turns[1:2])))
    )
    return path


def run(*words: object, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, ["backtest", *(str(word) for word in words)])
    assert result.exit_code == code, result.output + result.stderr
    return result


def parsed(*words: object) -> Any:
    return json.loads(run(*words, "--json").stdout)


def test_a_report_for_people(old: Path, new: Path, calls: Path) -> None:
    versions = [knowledge.compile_folder(folder).version for folder in (old, new)]
    result = run(old, new, calls, "--format", "dialogue")
    assert [line.rstrip() for line in result.stdout.splitlines()] == [
        f"{old} ({versions[0]}) -> {new} ({versions[1]})",
        "2 calls, 2 min: 1 would have gone differently (50.0%)",
        "1 -> 1 card: 1 gained, 1 lost, 0 moved",
        "",
        "rule                  old  new  gained  lost  moved",
        "doubled-bill  edited    1    1       1     1      0",
        "",
        "doubled-bill",
        "  1 gained",
        "    call c-1, turn 4, 1:30.0",
        "      customer: I [pay twice as much] as then",
        "  1 lost",
        "    call c-1, turn 1, 0:02.0",
        "      customer: good evening, my [bill has doubled] since May and nobody told me",
    ]
    assert result.stderr.startswith("2 calls of 99 s folded twice in ")
    assert "times faster than they lasted" in result.stderr


def test_a_report_for_programs(old: Path, new: Path, calls: Path) -> None:
    told = parsed(old, new, calls, "--format", "dialogue")
    assert (told["calls"], told["calls_changed"], told["gained"], told["lost"], told["moved"]) == (2, 1, 1, 1, 0)
    (rule,) = told["rules"]
    (example,) = rule["examples_gained"]
    assert (example["call_id"], example["place"][0], example["words"]) == ("c-1", 4, "pay twice as much")


def test_the_same_again_is_the_same(old: Path, new: Path, calls: Path) -> None:
    first, second = (run(old, new, calls, "--format", "dialogue").stdout for _ in range(2))
    assert first == second


def test_nothing_differs(old: Path, calls: Path) -> None:
    stdout = run(old, old, calls, "--format", "dialogue").stdout
    assert "0 would have gone differently (0.0%)" in stdout
    assert len(stdout.splitlines()) == 3


def test_what_is_left_out_and_what_is_long(old: Path, new: Path, tmp_path: Path) -> None:
    """Examples beyond those asked for, and the far ends of a long turn. A rule that suffers from another says so."""
    urgent = GOOD["triggers/coaching.yaml"].replace("said: [speak to", "priority: 99\n    said: [speak to")
    busy = write(tmp_path / "busy", GOOD | {"triggers/coaching.yaml": urgent})
    early = urgent.replace("(a|your) manager", "(a|your) manager, long story")
    both = write(tmp_path / "both", GOOD | {"triggers/coaching.yaml": early})
    text = f"{'well ' * 30}it is a long story my bill has doubled {'and so ' * 30}"
    path = tmp_path / "calls.jsonl"
    turns = [{"speaker": "customer", "t_s": 1, "text": text}]
    path.write_text("\n".join(json.dumps({"id": n, "turns": turns}) for n in range(5)))
    stdout = run(busy, both, path, "--format", "dialogue", "--examples", 1).stdout
    assert "  5 gained, 1 of them\n    call 0, turn 1, 0:01.0\n" in stdout
    assert "well it is a [long story] my bill" in stdout
    assert max(len(line) for line in stdout.splitlines()[3:]) < 160
    if "doubled-bill" in stdout:
        assert "not edited" in stdout
        assert "now: withheld, other cards had the agent's attention" in stdout


def test_moved_cards_show_both(old: Path, tmp_path: Path, calls: Path) -> None:
    other = ARTICLE.replace("bill has doubled", "nobody told me")
    moved = write(tmp_path / "moved", GOOD | {"articles/billing/doubled-bill.md": other})
    lines = [line.rstrip() for line in run(old, moved, calls, "--format", "dialogue").stdout.splitlines()]
    assert lines[-4:] == [
        "    call c-1, turn 1, 0:02.0",
        "      customer: good evening, my bill has doubled since May and [nobody told me]",
        "      before: turn 1, 0:02.0",
        "      customer: good evening, my [bill has doubled] since May and nobody told me",
    ]


def test_a_card_that_no_words_brought(old: Path, tmp_path: Path) -> None:
    within = GOOD["triggers/coaching.yaml"].replace("within: 20s", "within: 5s")
    sooner = write(tmp_path / "sooner", GOOD | {"triggers/coaching.yaml": within})
    path = tmp_path / "calls.jsonl"
    turns = [{"speaker": "agent", "t_s": t_s, "text": text} for t_s, text in ((1, "hello"), (9, "call is recorded"))]
    path.write_text(json.dumps({"id": "c", "turns": turns}))
    lines = run(old, sooner, path, "--format", "dialogue").stdout.splitlines()
    assert lines[-5:] == [
        "record",
        "  1 gained",
        "    call c, after turn 1, 0:07.0",
        "      not said by the agent within 5 s",
        "      agent: hello",
    ]


def test_labels(old: Path, new: Path, calls: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    marks = [("c-1", "doubled-bill", 2_000), ("c-9", "doubled-bill", 0)]
    labels.write_text("\n".join(json.dumps({"call_id": c, "rule": r, "at_ms": ms}) for c, r, ms in marks))
    stdout = run(old, new, calls, "--format", "dialogue", "--labels", labels).stdout
    assert "precision 1.000 -> 0.000, recall 1.000 -> 0.000" in stdout
    assert "1 label of calls that are not here count nowhere" in stdout
    assert "call c-1, turn 4, 1:30.0, no label says so" in stdout
    assert "call c-1, turn 1, 0:02.0, right" in stdout


MEANT = ARTICLE.replace(
    "---\nLook at", "  - means: [what I pay has gone up, my payments are so much higher than they were]\n---\nLook at"
)


class Understanding:
    """In place of a model, which takes seconds to learn: tests/lane has the real one."""

    def __init__(self) -> None:
        self.meanings: tuple[str, ...] = ()

    def another(self) -> "Understanding":
        return Understanding()

    def learn(self, task: Learn) -> None:
        self.meanings = tuple(meaning.id for meaning in task.meanings)

    def understand(self, queue: str, utterances: Sequence[Utterance]) -> list[Reading]:
        return [Reading(dict.fromkeys(self.meanings, 0.8 if "i pay" in one.text else 0.1)) for one in utterances]


def reader_of(playbook: Playbook, wanted: bool) -> Understanding | None:
    reader = Understanding()
    reader.learn(lesson(playbook))
    return reader if wanted and playbook.meanings else None


def test_meanings_are_read_where_they_are_wanted(old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "one.jsonl"
    calls.write_text('{"id": "c", "turns": [{"speaker": "customer", "t_s": 90, "text": "I pay twice as much"}]}')
    monkeypatch.setattr(trials, "reader_of", reader_of)
    meant, other = (
        write(tmp_path / name, GOOD | {"articles/billing/doubled-bill.md": text})
        for name, text in (("meant", MEANT), ("other", MEANT.replace("gone up", "risen")))
    )
    stdout = run(old, meant, calls, "--format", "dialogue").stdout
    assert stdout.endswith(
        "  1 gained\n    call c, turn 1, 1:30.0, meant (0.80)\n      customer: [I pay twice as much]\n"
    )
    assert "  1 lost\n" in run(meant, old, calls, "--format", "dialogue").stdout
    assert "0 would have gone differently" in run(meant, meant, calls, "--format", "dialogue").stdout
    assert "doubled-bill  edited    1    1" in run(meant, other, calls, "--format", "dialogue").stdout
    assert "0 would have gone differently" in run(old, meant, calls, "--format", "dialogue", "--no-meaning").stdout


def test_limits_decide_the_exit_code(old: Path, new: Path, calls: Path) -> None:
    kept = ("--fail-if", "lost>1", "--fail-if", "changed>60%")
    run(old, new, calls, "--format", "dialogue", *kept)
    broken = run(old, new, calls, "--format", "dialogue", *kept, "--fail-if", "doubled-bill:lost>0", code=1)
    assert broken.stderr.endswith("rtig: doubled-bill:lost>0: lost is 1\n")
    assert broken.stdout.startswith(str(old))


def test_so_many_calls(old: Path, new: Path, calls: Path) -> None:
    assert parsed(old, new, calls, calls, "--format", "dialogue")["calls"] == 4
    assert parsed(old, new, calls, calls, "--format", "dialogue", "--calls", 3)["calls"] == 3


def test_scripts_and_our_own_events(old: Path, new: Path, tmp_path: Path) -> None:
    scheduled = [s.event for s in perform(knowledge.read(old).calls["doubled"])]
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(events.encode(event) for event in scheduled))
    told = parsed(old, new, path, old / "calls" / "doubled.yaml")
    assert (told["calls"], told["lost"]) == (2, 2)
    (old / "calls" / "notes.txt").write_text("no recording")
    (old / "calls" / "events.jsonl").write_bytes(path.read_bytes())
    assert parsed(old, new, old / "calls")["calls"] == 2


def test_a_folder_without_recordings_passes_no_gate(old: Path, tmp_path: Path) -> None:
    assert run(old, old, old / "articles", code=1).stderr.startswith(f"rtig: {old}/articles holds no recordings: files")


def test_a_servers_log(old: Path, new: Path, tmp_path: Path) -> None:
    """Of one tenant; ticks that the server wrote do not disturb."""
    path = tmp_path / "calls.db"

    async def fill() -> None:
        log = await SqliteLog.open_file(path)
        for tenant, name in (("default", "c-1"), ("acme", "c-2"), ("acme", "c-3")):
            call = CallKey(tenant, name)
            await log.open(call)
            for event in (
                CallStarted(call_id=name),
                SegmentHeard(
                    call_id=name, segment_id="s", rev=1, party="customer", text="my bill has doubled", final=True,
                    start_ms=1_000, end_ms=2_000,
                ),
                ClockTicked(call_id=name, at_ms=3_000),
                CallEnded(call_id=name, at_ms=9_000),
            ):  # fmt: skip
                await log.append(call, event).durable
        await log.close()

    asyncio.run(fill())
    told = parsed(old, new, path)
    assert (told["calls"], told["lost"], told["seconds"]) == (1, 1, 9.0)
    assert parsed(old, new, path, "--tenant", "acme")["calls"] == 2
    assert parsed(old, new, path, "--tenant", "nobody")["calls"] == 0


def test_what_is_wrong_is_named_with_its_file_and_line(old: Path, new: Path, calls: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text(calls.read_text() + '\n{"turns": [{"speaker": "agent", "text": "secret"}]}')
    result = run(old, new, calls, broken, "--format", "dialogue", code=1)
    assert result.stderr == f"rtig: {broken}: line 3: $.turns[0] has neither `t_s` nor `start_ms`.\n"
    assert result.stdout == ""
    missing = run(old, new, tmp_path / "no.jsonl", code=1)
    assert missing.stderr == f"rtig: {tmp_path / 'no.jsonl'}: there is no such file.\n"
    assert run(old, "nowhere", calls, code=1).stderr == "rtig: nowhere: there is no such folder\n"
    (new / "kb.yaml").write_text("name: [")
    assert f"rtig: {new / 'kb.yaml'}:1:" in run(old, new, calls, "--format", "dialogue", code=1).stderr


def test_misuse(old: Path, new: Path, calls: Path, tmp_path: Path) -> None:
    dialogue = (old, new, calls, "--format", "dialogue")
    assert "is no limit" in run(*dialogue, "--fail-if", "lots>1", code=1).stderr
    assert "neither knowledge base has a rule `x`" in run(*dialogue, "--fail-if", "x:lost>1", code=1).stderr
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"call_id": "c-1"}')
    assert f"{labels}:1: " in run(*dialogue, "--labels", labels, code=1).stderr
    assert "LABEL=PARTY" in run(*dialogue, "--party", "x", code=2).stderr
    assert "--calls" in run(*dialogue, "--calls", 0, code=2).stderr


def test_personal_data_are_masked(old: Path, new: Path, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    turns = [{"speaker": "customer", "t_s": 1, "text": "my bill has doubled, write to jo@example.com"}]
    path.write_text(json.dumps({"id": "c", "turns": turns}))
    result = run(old, new, path, "--format", "dialogue")
    assert "[e-mail]" in result.stdout
    assert "example.com" not in result.stdout
