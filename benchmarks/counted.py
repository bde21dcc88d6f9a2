"""What the gate counts: the same messages through the fold, the matcher and the wire, and a work that never changes.

`python -m benchmarks.counted`, run by `benchmarks.check` under `valgrind --tool=callgrind`, has the instructions of
each work counted: neither of the start, nor of what is met for the first time. The load is made of committed calls and
tables, so that it is the same everywhere; its digest says when it is not.
"""

import ctypes
import gc
import hashlib
import json
import mmap
import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.phrases_data import ROOT, dialogues, phrases
from benchmarks.step import plain_playbook
from rtig import knowledge
from rtig.core import engine, text
from rtig.core.call import Call
from rtig.core.events import CallStarted, SegmentHeard, encode
from rtig.core.guidance import Alert
from rtig.core.matcher import Matcher
from rtig.core.playbook import Playbook
from rtig.core.redaction import redacted
from rtig.knowledge import KnowledgeBase
from rtig.script import perform
from rtig.wire import messages
from rtig.wire.messages import Guided, Hello
from rtig.wire.session import Credential, Session

CALLS = (
    "moving-next-month",
    "outage-on-a-noisy-line",
    "refund-promised-wants-manager",
    "router-drops-third-call",
    "upgrade-talked-over",
)
"""Of the knowledge base, by name."""
TRIGGERS = 1000
FRAGMENTS = 300
INTERIM_SHARE = 8
"""Of the interims, one in so many is folded; all finals are."""
WORDS = 15
"""Of each of the fragments that the matcher walks."""

Work = Callable[[], int]
"""Does it once and returns how many pieces it did."""


class Load(NamedTuple):
    calls: list[list[CallStarted | SegmentHeard]]
    phrases: list[tuple[str, ...]]
    fragments: list[str]

    @property
    def heard(self) -> list[SegmentHeard]:
        return [event for call in self.calls for event in call if isinstance(event, SegmentHeard)]

    @property
    def digest(self) -> str:
        said = [encode(event) for call in self.calls for event in call]
        texts = (*map(" ".join, self.phrases), *self.fragments)
        return hashlib.sha256(b"\n".join([*said, *(one.encode() for one in texts)])).hexdigest()[:16]


def load(shipped: KnowledgeBase) -> Load:
    kinds = (CallStarted, SegmentHeard)
    calls = [
        [event for _, event in perform(shipped.calls[name], agent="desk-1") if isinstance(event, kinds)]
        for name in CALLS
    ]
    texts = dialogues(None, 1)
    long_enough = [said for said in texts.held_out if len(said) >= WORDS]
    fragments = [" ".join(long_enough[at % len(long_enough)][:WORDS]) for at in range(FRAGMENTS)]
    return Load(calls, phrases(texts, TRIGGERS, 1), fragments)


def works(shipped: KnowledgeBase, given: Load) -> dict[str, Work]:
    """By name. To make them is to do them once, for a server that has run for an hour has met most words."""
    served = knowledge.compiled(shipped.source)
    plain = plain_playbook(given.phrases, shipped.source)
    found: dict[str, Work] = {"reference": partial(reference, _words())}
    told: list[Guided] = []
    for name, playbook in (("shipped knowledge base", served), ("1,000 plain triggers", plain)):
        finals, interims, told = _moments(playbook, given)
        found[f"fold of finals, {name}"] = partial(_fold, playbook, finals)
        found[f"fold of interims, {name}"] = partial(_fold, playbook, interims)
    found["matcher, 1,000 phrases"] = partial(_walk, plain.matcher, given.fragments)
    found["wire, a fragment comes"] = partial(_hear, [encode(event) for event in given.heard])
    found["wire, personal data masked"] = partial(_mask, given.heard)
    found["wire, guidance goes"] = partial(_tell, told)
    for work in found.values():
        work()
    return found


class _Moment(NamedTuple):
    """A call as it stands when something comes."""

    call: Call
    seq: int
    event: SegmentHeard


def _moments(playbook: Playbook, given: Load) -> tuple[list[_Moment], list[_Moment], list[Guided]]:
    """Every final, one interim of so many, and what is told of them."""
    moments, told = [], []
    for events in given.calls:
        call = engine.begin(events[0].call_id)
        for seq, event in enumerate(events, 1):
            if isinstance(event, SegmentHeard):
                moments.append(_Moment(call, seq, event))
            call, items = engine.step(playbook, call, seq, event)
            watched = tuple(item for item in items if not isinstance(item, Alert))
            if watched:
                told.append(Guided(call_id=call.call_id, epoch=1, seq=seq, items=watched))
    finals = [one for one in moments if one.event.final]
    interims = [one for one in moments if not one.event.final]
    return finals, interims[::INTERIM_SHARE], told


def _fold(playbook: Playbook, moments: Sequence[_Moment]) -> int:
    for call, seq, event in moments:
        engine.step(playbook, call, seq, event)
    return len(moments)


def _walk(matcher: Matcher, fragments: Sequence[str]) -> int:
    for one in fragments:
        matcher.walk(Matcher.start, text.words(one).norms)
    return len(fragments)


def _hear(frames: Sequence[bytes]) -> int:
    session = Session(lambda hello: Credential("", frozenset({"source"})), {"source": 1e9})
    session.hear(messages.encode(Hello(role="source")), 0.0)
    for frame in frames:
        session.hear(frame, 0.0)
        session.accepted()
    return len(frames)


def _mask(events: Sequence[SegmentHeard]) -> int:
    for event in events:
        redacted(event)
    return len(events)


def _tell(told: Sequence[Guided]) -> int:
    for message in told:
        messages.encode(message)
    return len(told)


# --- what the others are held against on another Python; to change it is to lose every baseline


class _Spoken(Struct, frozen=True):
    words: tuple[str, ...] = ()
    mood: float = 0.0
    places: Map[str, tuple[int, ...]] = Map()


def _words() -> list[str]:
    rng = random.Random(1)
    known = ["Account", "refund,", "don't", "the", "Broadband", "again?", "manager", "is", "not", "happy"]
    return [" ".join(rng.choices(known, k=12)) for _ in range(FRAGMENTS)]


def reference(said: Sequence[str]) -> int:
    """Made of what a fold is made of: frozen structs, maps, tuples, calls, comprehensions and text."""
    spoken = _Spoken()
    for number, one in enumerate(said):
        spoken = _spoken(spoken, number, one)
    return len(said)


def _spoken(before: _Spoken, number: int, said: str) -> _Spoken:
    words = tuple(word.strip(",.?!").lower() for word in said.split())
    places = before.places
    for at, word in enumerate(words):
        found = [*places.get(word, ())[-20:], number * 100 + at]
        places = places.set(word, tuple(sorted(found, key=lambda place: (place % 100, place))))
    counts: dict[str, int] = {}
    for word in (*before.words[-40:], *words):
        counts[word] = counts.get(word, 0) + 1
    shares = {word: count / len(words) for word, count in counts.items() if isinstance(count, int) and count > 1}
    mood = before.mood * 0.9 + sum(shares.values())
    after = replace(before, words=(*before.words[-40:], *words), mood=mood, places=places)
    return after if after != before else before


# --- requests to valgrind

_ASK = bytes.fromhex(
    "4889f8"  # mov rax, rdi: where the request is
    "4889f2"  # mov rdx, rsi: the answer where no valgrind listens
    "48c1c703 48c1c70d 48c1c73d 48c1c733"  # rol rdi, 3; 13; 61; 51: nothing, but for valgrind
    "4887db"  # xchg rbx, rbx
    "4889d0"  # mov rax, rdx
    "c3"
)
"""What `valgrind.h` makes of a client request on x86-64; it is promised never to change."""
_CALLGRIND = int.from_bytes(b"CT", "big") << 16
ZERO, DUMP, START = _CALLGRIND + 1, _CALLGRIND + 3, _CALLGRIND + 4


def asking() -> Callable[..., None]:
    """Asks callgrind for something, with a name where it takes one. Without valgrind nothing happens."""
    page = mmap.mmap(-1, len(_ASK), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(_ASK)
    code = ctypes.c_char.from_buffer(page)
    function = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64)(ctypes.addressof(code))

    def ask(request: int, name: bytes = b"") -> None:
        called = ctypes.create_string_buffer(name)
        asked = (ctypes.c_uint64 * 6)(request, ctypes.addressof(called))
        assert page  # it lives as long as what calls it
        function(ctypes.addressof(asked), 0)

    return ask


def main() -> None:
    shipped = knowledge.read(ROOT / "knowledge_base")
    given = load(shipped)
    every = works(shipped, given)
    ask = asking()
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection belongs to the load and not to the fragment
    ask(START)
    pieces = {}
    for name, work in every.items():
        ask(ZERO)
        pieces[name] = work()
        ask(DUMP, name.encode())
    json.dump({"load": given.digest, "pieces": pieces}, sys.stdout)


if __name__ == "__main__":
    main()
