from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtig.core import events
from rtig.core.events import CallEnded, CallStarted, SegmentHeard
from rtig.script import (
    CHAT_PAUSE,
    FINAL_LAG_MS,
    INTERIM_LAG_MS,
    LONGEST_CUT,
    VOICE_PAUSE,
    WORD_MS,
    Line,
    Scheduled,
    Script,
    Silence,
    line_of,
    perform,
)

WORDS = [f"word{letter}" for letter in "abcdefghijklmnop"]
TEXTS = st.lists(st.sampled_from([*WORDS, "don't", "63.40", "naïve"]), min_size=1, max_size=50).map(" ".join)
LINES = st.one_of(
    st.builds(
        Line,
        st.sampled_from(["agent", "customer", "unknown"]),
        TEXTS,
        st.none() | st.floats(-8, 8),
        st.booleans(),
    ),
    st.builds(Silence, st.floats(0, 60)),
)
SCRIPTS = st.builds(
    Script,
    id=st.just("s"),
    channel=st.sampled_from(["voice", "chat"]),
    seed=st.integers(0, 1000),
    lines=st.lists(LINES, max_size=8).map(tuple),
)


def segments(scheduled: list[Scheduled]) -> list[tuple[int, SegmentHeard]]:
    return [(s.at_ms, s.event) for s in scheduled if isinstance(s.event, SegmentHeard)]


def spoken(*lines: Line | Silence, channel: events.Channel = "voice", seed: int = 1) -> list[tuple[int, SegmentHeard]]:
    return segments(perform(Script(id="s", channel=channel, seed=seed, lines=lines)))


@settings(derandomize=True, max_examples=150)
@given(SCRIPTS)
def test_every_script_is_a_call_in_order(script: Script) -> None:
    scheduled = perform(script)
    assert isinstance(scheduled[0].event, CallStarted)
    assert isinstance(scheduled[-1].event, CallEnded)
    assert all(one.at_ms <= other.at_ms for one, other in pairwise(scheduled))
    for _, event in scheduled:
        assert events.decode(events.encode(event)) == event
    assert len({events.key(s.event) for s in scheduled}) == len(scheduled)
    assert scheduled[-1].event.at_ms == scheduled[-1].at_ms


@settings(derandomize=True, max_examples=150)
@given(SCRIPTS)
def test_revisions_rise_and_the_finals_are_the_words(script: Script) -> None:
    revs: dict[str, int] = {}
    finals: dict[int, list[str]] = {}
    for at_ms, event in segments(perform(script)):
        assert event.rev > revs.get(event.segment_id, 0)
        revs[event.segment_id] = event.rev
        assert 0 <= event.start_ms <= event.end_ms <= at_ms
        if event.final:
            finals.setdefault(line_of(event.segment_id), []).append(event.text)
    for number, line in enumerate(script.lines, 1):
        if isinstance(line, Line) and line.final:
            assert " ".join(finals[number]).split() == line.text.split()
        else:
            assert number not in finals


@settings(derandomize=True, max_examples=50)
@given(SCRIPTS)
def test_nobody_talks_over_themselves(script: Script) -> None:
    spans: dict[str, dict[str, tuple[int, int]]] = {}
    for _, event in segments(perform(script)):
        spans.setdefault(event.party, {})[event.segment_id] = (event.start_ms, event.end_ms)
    for by_segment in spans.values():
        for (_, end), (start, _) in pairwise(by_segment.values()):
            assert start >= end


def test_the_same_seed_gives_the_same_call() -> None:
    lines = (Line("agent", " ".join(WORDS * 3)), Line("customer", " ".join(WORDS * 3)))
    assert perform(Script(id="s", seed=4, lines=lines)) == perform(Script(id="s", seed=4, lines=lines))
    assert perform(Script(id="s", seed=4, lines=lines)) != perform(Script(id="s", seed=5, lines=lines))


def test_the_rhythm_is_a_recognisers() -> None:
    heard = spoken(Line("customer", "my bill has doubled this month"))
    start = round(VOICE_PAUSE * 1000)
    at_ms, final = heard[-1]
    assert final.final
    assert final.turn_end
    assert (final.start_ms, final.end_ms) == (start, start + 6 * WORD_MS)
    assert at_ms == final.end_ms + FINAL_LAG_MS
    interims = heard[:-1]
    assert 4 <= len(interims) <= 6
    assert all(not event.final and not event.turn_end for _, event in interims)
    assert all(at - event.end_ms >= INTERIM_LAG_MS for at, event in interims)


def test_some_interim_words_are_wrong_and_put_right() -> None:
    words = WORDS * 100
    final: dict[str, list[str]] = {}
    shown: dict[str, dict[int, set[str]]] = {}
    for _, event in spoken(Line("customer", " ".join(words))):
        if event.final:
            final[event.segment_id] = event.text.split()
        for index, word in enumerate(event.text.split() if not event.final else ()):
            shown.setdefault(event.segment_id, {}).setdefault(index, set()).add(word)
    wrong = sum(
        any(word != final[name][index] for word in seen) for name, at in shown.items() for index, seen in at.items()
    )
    assert 0.05 < wrong / len(words) < 0.08


def test_a_long_line_is_cut_where_the_speaker_breathes() -> None:
    finals = [event for _, event in spoken(Line("agent", " ".join(WORDS * 3))) if event.final]
    assert len(finals) > 2
    assert all(len(event.text.split()) <= LONGEST_CUT for event in finals)
    assert [event.turn_end for event in finals] == [False] * (len(finals) - 1) + [True]
    assert all(0 < other.start_ms - one.end_ms < 300 for one, other in pairwise(finals))
    assert [line_of(event.segment_id) for event in finals] == [1] * len(finals)


def test_talking_over_and_silence() -> None:
    heard = spoken(
        Line("customer", "one two three four", 0),
        Line("agent", "five six", -0.5),
        Silence(24),
        Line("agent", "seven"),
        Line("customer", "eight", 2),
    )
    finals = [event for _, event in heard if event.final]
    end = 4 * WORD_MS
    assert finals[0].start_ms == 0
    assert finals[1].start_ms == end - 500
    assert finals[2].start_ms == max(end, end - 500 + 2 * WORD_MS) + 24_000
    assert finals[3].start_ms == finals[2].end_ms + 2_000


def test_noise_and_what_is_never_settled() -> None:
    heard = spoken(Line("unknown", "mm hm crackle"), Line("customer", "okay bye then", final=False))
    parties = {event.party: event.final for _, event in heard}
    assert parties == {"unknown": True, "customer": False}
    assert any(event.party == "customer" for _, event in heard)


def test_a_chat_message_comes_whole() -> None:
    [(at_1, one), (at_2, two)] = spoken(Line("agent", "Hello."), Line("customer", "hi", 7), channel="chat")
    assert (at_1, at_2) == (CHAT_PAUSE * 1000, CHAT_PAUSE * 1000 + 7_000)
    assert (one.text, one.final, one.rev, one.start_ms, one.end_ms) == ("Hello.", True, 1, at_1, at_1)
    assert two.turn_end


def test_names_of_the_call() -> None:
    script = Script(id="s", channel="chat", queue="q", agent="a", customer="c", lines=())
    started, ended = perform(script, "live-1", agent="desk-9", started_at=5)
    assert started.event == CallStarted(
        call_id="live-1", channel="chat", agent="desk-9", queue="q", customer="c", started_at=5
    )
    assert ended.event.call_id == "live-1"
    assert perform(script)[0].event.call_id == "s"


@pytest.mark.parametrize(("name", "line"), [("12.1", 12), ("1.10", 1), ("x.1", 0), ("12", 0), ("", 0)])
def test_the_line_of_a_segment(name: str, line: int) -> None:
    assert line_of(name) == line
