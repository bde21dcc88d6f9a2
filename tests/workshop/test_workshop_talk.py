"""What the server and the process say to each other comes out as it went in, a whole playbook too."""

import io

import pytest
from calls import PLAYBOOK, playbook

from rtig import knowledge
from rtig.core import events
from rtig.core.events import CallStarted
from rtig.lane.talk import read_body
from rtig.wire.authors import Finding
from rtig.workshop.talk import (
    CallLog,
    End,
    Lint,
    Linted,
    Look,
    Looked,
    Model,
    Progress,
    Ready,
    Reply,
    Task,
    Unable,
    framed,
    reply_in,
    task_in,
)

MODEL = Model(weights="", sha256="", device="cpu", notes=b"\x00\xff")
FINDING = Finding(severity="error", path="kb.yaml", line=1, column=2, problem="p", mend="m")
TASKS: list[Task] = [
    Lint(folder="kb", today="2026-11-27", model=MODEL),
    Look(kind="backtest", playbook=PLAYBOOK.source, start=PLAYBOOK.source, draft="d", model=None),
    CallLog(5, (events.encode(CallStarted(call_id="c")),)),
    End(),
]
REPLIES: list[Reply] = [
    Linted((FINDING,), {"a": ("kb.yaml", 3)}),
    Ready(),
    Progress(7),
    Looked(b"{}", ("c",)),
    Unable("no", (FINDING,)),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_tasks(task: Task) -> None:
    body = read_body(io.BytesIO(framed(task)))
    assert body is not None
    assert task_in(body) == task


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: type(reply).__name__)
def test_replies(reply: Reply) -> None:
    body = read_body(io.BytesIO(framed(reply)))
    assert body is not None
    assert reply_in(body) == reply


def test_a_playbook_that_has_been_sent_is_the_same_one() -> None:
    source = knowledge.load(knowledge.shipped())
    sent = task_in(framed(Look(kind="gaps", playbook=source, start=source))[4:])
    assert isinstance(sent, Look)
    assert playbook(sent.playbook).version == playbook(source).version
