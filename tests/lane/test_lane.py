"""The process with the models, talked to as a server does; and what is said where there are no models."""

import builtins
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rtig import lane
from rtig.core.playbook import MeaningSource
from rtig.errors import EncoderUnavailable
from rtig.lane.__main__ import BELOW_THE_SERVER
from rtig.lane.talk import (
    HEAD_BYTES,
    Article,
    Asked,
    Busy,
    Find,
    Found,
    Learn,
    Learned,
    Read,
    Reply,
    Unable,
    Understood,
    framed,
    length_of,
    reply_in,
)

SECONDS = 30.0
WORD = "gwendolyn"
LESSON = Learn(
    version="v1",
    meanings=tuple(
        MeaningSource(id=name, rule=name, examples=examples, competes=True)
        for name, examples in (
            ("bill", ("my bill is too high", "why is my bill so much")),
            ("moving", ("we are moving house", "i have a new address")),
        )
    ),
    negatives=(("good morning to you", "thanks for your help"),),
    false_alarms=1.0,
    articles=(),
)


def started(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "rtig.lane", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    with process:
        try:
            yield process
        finally:
            process.kill()


def say(process: "subprocess.Popen[bytes]", *frames: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(frames))
    process.stdin.flush()


def hear(process: "subprocess.Popen[bytes]") -> Reply:
    """The next answer; that it is busy is none."""
    while isinstance(reply := hear_anything(process), Busy):
        pass
    return reply


def hear_anything(process: "subprocess.Popen[bytes]") -> Reply:
    assert process.stdout is not None
    return reply_in(process.stdout.read(length_of(process.stdout.read(HEAD_BYTES))))


def assert_tone_alone(reply: Reply) -> None:
    assert isinstance(reply, Understood)
    assert reply.version == ""
    assert [reading.scores for reading in reply.readings] == [{}]
    assert reply.readings[0].tone is not None


@pytest.mark.process
def test_it_does_what_it_is_told_gives_way_and_ends_with_its_stdin() -> None:
    with ended(started()) as process:
        # Before it has learned anything it understands nothing.
        early = Read((Asked("k", "customer", "my bill is high", ""),))
        say(process, framed(early), framed(LESSON), framed(early), framed(Find(7, WORD, 3)))
        assert_tone_alone(hear(process))
        learned = hear(process)
        assert isinstance(learned, Learned)
        assert learned.version == "v1"
        understood = hear(process)
        assert isinstance(understood, Understood)
        (reading,) = understood.readings
        assert max(reading.scores, key=reading.scores.__getitem__) == "bill"
        assert reading.tone is not None
        assert hear(process) == Found(7, ())
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0) + BELOW_THE_SERVER
        if Path("/proc").is_dir():
            # That which computes, listens, says it is busy, and a library's that idles: other cores are the server's.
            assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) <= 4
        process.send_signal(signal.SIGINT)  # Ctrl-C of a terminal goes to all its processes; the server says when
        say(process, framed(Find(8, WORD, 3)))
        assert hear(process) == Found(8, ())
        _, told = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert told == b""


@pytest.mark.process
def test_while_it_learns_it_says_so_and_ends_with_its_stdin() -> None:
    """A server that was killed leaves no process behind."""
    with ended(started()) as process:
        much = tuple(Article(str(n), f"{WORD} number {n} of very many") for n in range(50_000))
        say(process, framed(Read(())), framed(replace(LESSON, meanings=(), articles=much)))
        assert hear(process) == Understood("", ())
        assert hear_anything(process) == Busy()
        said, told = process.communicate(timeout=SECONDS)
        assert said.removeprefix(framed(Busy())) == told == b""


@pytest.mark.process
def test_what_one_has_learned_another_need_not() -> None:
    with ended(started()) as process:
        say(process, framed(LESSON))
        learned = hear(process)
    assert isinstance(learned, Learned)
    assert learned.notes
    with ended(started()) as process:
        say(process, framed(replace(LESSON, notes=learned.notes)), framed(Read((Asked("k", "customer", "bill", ""),))))
        again = hear(process)
        assert isinstance(again, Learned)
        assert (again.version, again.notes) == ("v1", b"")
        assert isinstance(hear(process), Understood)


@pytest.mark.process
@pytest.mark.parametrize("task", [b"\x81\xa4type\xa9" + WORD.encode(), framed(Read(()))[HEAD_BYTES:] + WORD.encode()])
def test_what_goes_wrong_is_told_by_its_kind_and_place_alone(task: bytes) -> None:
    with ended(started()) as process:
        say(process, len(task).to_bytes(HEAD_BYTES, "big") + task)
        told = hear(process)
        assert isinstance(told, Unable)
        assert told.again
        assert told.problem.startswith(("ValidationError in talk.py, line ", "DecodeError in talk.py, line "))
        assert process.wait(SECONDS) == 1  # by itself: its stdin is open
        out, complaints = process.communicate()
        assert out == b""
        assert WORD.encode() not in complaints


@pytest.mark.process
def test_weights_that_are_not_there_are_not_asked_for_again(tmp_path: Path) -> None:
    with ended(started(str(tmp_path / "no.safetensors"))) as process:
        assert hear(process) == Unable(f"{tmp_path / 'no.safetensors'} is not there.", again=False)


@pytest.mark.process
@pytest.mark.skipif(Path("/dev/nvidia0").exists(), reason="this machine has a GPU")
def test_a_device_that_is_not_there_is_not_asked_for_again() -> None:
    with ended(started("", "", "cuda")) as process:
        told = hear(process)
        assert isinstance(told, Unable)
        assert not told.again
        assert told.problem.startswith(("The model needs `torch`", "torch finds no GPU"))


def test_without_the_models_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.split(".")[0] == "onnxruntime":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *args)

    for module in ("rtig.lane.encoder", "rtig.lane.on_onnx", "rtig.lane.reader"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(EncoderUnavailable, match=r"`onnxruntime`: .*pip install 'rtig\[models\]'"):
        lane.new_reader()
