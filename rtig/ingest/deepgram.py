"""Deepgram: one open hypothesis a channel (`Results`), or whole turns that grow (Flux, `TurnInfo`).

In `Results` each interim replaces the one before; a piece with `is_final` settles its stretch of audio, which may be
less than the last interim showed, and `speech_final` ends the utterance. Where that never comes, `UtteranceEnd` does.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from rtig.core.events import Party, SegmentHeard, SegmentVoided, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.hypothesis import Hypothesis, Word, spread
from rtig.ingest.translator import LONGEST_TEXT, LONGEST_WORD, CallStream, decoded, millis

_TEXT = Annotated[str, Meta(max_length=LONGEST_TEXT)]
_WORD = Annotated[str, Meta(max_length=LONGEST_WORD)]
_Channels = Annotated[tuple[int, ...], Meta(min_length=1, max_length=2)]
"""The channel, and how many there are."""


class _Kind(Struct):
    type: str


class _Spoken(Struct):
    word: _WORD
    punctuated_word: _WORD | None = None
    start: float | None = None
    end: float | None = None
    confidence: float | None = None
    speaker: int | None = None
    language: str | None = None


class _Alternative(Struct):
    transcript: _TEXT
    confidence: float | None = None
    words: list[_Spoken] = []
    languages: list[str] | None = None


class _Heard(Struct):
    alternatives: list[_Alternative]


class _About(Struct):
    request_id: str = ""


class _Results(Struct):
    channel: _Heard
    start: float
    duration: float
    is_final: bool = False
    speech_final: bool = False
    from_finalize: bool = False
    channel_index: _Channels = (0, 1)
    metadata: _About | None = None


class _UtteranceEnd(Struct):
    last_word_end: float
    channel: _Channels = (0, 1)


class _Metadata(Struct):
    """Sent once, in answer to the end of the audio."""

    duration: float | None = None


class _Turn(Struct):
    event: str
    turn_index: Annotated[int, Meta(ge=0)]
    transcript: _TEXT
    audio_window_start: float
    audio_window_end: float
    words: list[_Spoken] = []
    request_id: str = ""
    languages: list[str] | None = None


_kind = msgspec.json.Decoder(_Kind)
_results = msgspec.json.Decoder(_Results)
_utterance_end = msgspec.json.Decoder(_UtteranceEnd)
_metadata = msgspec.json.Decoder(_Metadata)
_turn = msgspec.json.Decoder(_Turn)


class Deepgram:
    """Labels are channels (`0`); in one channel told apart by voice, speakers; with both, `channel:speaker` first."""

    def __init__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int = 0) -> None:
        self._stream = CallStream(call_id, parties, begins_ms)
        self._channels: dict[int, Hypothesis] = {}
        self._turn: SegmentHeard | None = None
        """The turn that is growing (Flux)."""
        self._turns = -1
        """The turn that ended last."""
        self._turn_index = -1
        self._over = False

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        match decoded(_kind, frame).type:
            case "Results":
                events = self._heard(decoded(_results, frame))
            case "UtteranceEnd":
                events = self._uttered(decoded(_utterance_end, frame))
            case "TurnInfo":
                events = self._turned(decoded(_turn, frame))
            case "Metadata":
                events = self._closed(decoded(_metadata, frame))
            case _:
                events = []
        return self._stream.told(events)

    def finish(self) -> tuple[SourceEvent, ...]:
        events = self._settled()
        if self._over:
            self._over = False
            return (*self._stream.told(events), self._stream.ended())
        return self._stream.told(events)

    def _heard(self, message: _Results) -> list[SourceEvent]:
        session = message.metadata.request_id if message.metadata is not None else ""
        begins_ms = self._stream.begins(session)
        start_ms = millis(message.start, "start", begins_ms)
        until_ms = max(start_ms, millis(message.start + message.duration, "duration", begins_ms))
        best = message.channel.alternatives[0] if message.channel.alternatives else _Alternative("")
        words, timed = _words(best, start_ms, until_ms, begins_ms)
        before = self._entered(session)
        channel = self._channel(message.channel_index)
        if not message.is_final:
            return before + channel.revise(words, until_ms)
        events = before + channel.settle(words, until_ms, timed)
        if message.speech_final:
            return events + channel.end_turn(until_ms)
        if message.from_finalize:
            return events + channel.close()
        return events

    def _uttered(self, message: _UtteranceEnd) -> list[SourceEvent]:
        """Deepgram sends -1 where there was no word to end."""
        if message.last_word_end < 0:
            return []
        at_ms = millis(message.last_word_end, "last_word_end", self._stream.begins())
        return self._channel(message.channel).end_turn(at_ms)

    def _closed(self, message: _Metadata) -> list[SourceEvent]:
        if message.duration is None:
            return []
        self._over = True
        return self._settled()

    def _turned(self, message: _Turn) -> list[SourceEvent]:
        begins_ms = self._stream.begins(message.request_id)
        start_ms, end_ms = _window(message, begins_ms)
        before = self._entered(message.request_id)
        told, index = self._turn, message.turn_index
        if index <= self._turns or index < self._turn_index:
            return before
        if told is not None and index > self._turn_index:
            before.append(SegmentVoided(call_id=told.call_id, segment_id=told.segment_id))
            told = None
        ended = message.event == "EndOfTurn"
        text = message.transcript.strip()
        self._turn, self._turn_index = told, index
        if ended:
            self._turn, self._turns = None, index
        if not text:
            if ended and told is not None:
                before.append(SegmentVoided(call_id=told.call_id, segment_id=told.segment_id))
            return before
        if told is not None and not ended and (end_ms < told.end_ms or told.text == text):
            return before
        event = SegmentHeard(
            call_id=self._stream.call_id,
            segment_id=told.segment_id if told is not None else self._stream.segment_id(f"turn{index}", start_ms),
            rev=told.rev + 1 if told is not None else 0,
            party=self._stream.party("0", ""),
            text=text,
            stable=len(text) if ended else 0,
            final=ended,
            turn_end=ended,
            start_ms=told.start_ms if told is not None else start_ms,
            end_ms=end_ms if told is None else max(told.end_ms, end_ms),
            confidence=_mean([word.confidence for word in message.words]),
            lang=_first(message.languages),
        )
        if not ended:
            self._turn = event
        return [*before, event]

    def _entered(self, session: str) -> list[SourceEvent]:
        """A recogniser that was lost came back: what the lost one had settled is all that will come of it."""
        self._over = False
        events: list[SourceEvent] = []
        if not self._stream.continues(session):
            events = self._settled()
            self._channels.clear()
            self._turns = self._turn_index = -1
            self._stream.restart()
        self._stream.enter(session)
        return events

    def _settled(self) -> list[SourceEvent]:
        events = [event for channel in self._channels.values() for event in channel.finish()]
        if self._turn is not None:
            events.append(SegmentVoided(call_id=self._turn.call_id, segment_id=self._turn.segment_id))
            self._turn, self._turns = None, self._turn_index
        return events

    def _channel(self, index: Sequence[int]) -> Hypothesis:
        if index[0] not in self._channels:
            several = len(index) > 1 and index[1] > 1
            label = str(index[0])
            self._channels[index[0]] = Hypothesis(self._stream, label, _labels(label, several))
        return self._channels[index[0]]


def _labels(channel: str, several: bool) -> Callable[[str], tuple[str, ...]]:
    def labels(speaker: str) -> tuple[str, ...]:
        if not speaker:
            return (channel, "") if not several else (channel,)
        return (f"{channel}:{speaker}", channel) if several else (f"{channel}:{speaker}", speaker)

    return labels


def _words(best: _Alternative, start_ms: int, until_ms: int, begins_ms: int) -> tuple[list[Word], bool]:
    """The words as the transcript writes them, and whether their times are their own.

    Where the two disagree, the transcript is right about the text.
    """
    texts = [(word.punctuated_word or word.word).strip() for word in best.words]
    glued = _glued(best.transcript, texts)
    lang = _first(best.languages)
    times = [
        (
            start_ms if word.start is None else millis(word.start, "words.start", begins_ms),
            until_ms if word.end is None else millis(word.end, "words.end", begins_ms),
        )
        for word in best.words
    ]
    if glued is None and any(word.speaker is not None for word in best.words):
        glued = [False] * len(texts)
    if glued is None:
        return spread(best.transcript, Word("", start_ms, until_ms, confidence=best.confidence, lang=lang)), False
    timed = bool(best.words) and all(word.start is not None and word.end is not None for word in best.words)
    return [
        Word(
            text,
            begins,
            max(begins, ends),
            "" if word.speaker is None else str(word.speaker),
            glued=tight,
            confidence=word.confidence,
            lang=word.language or lang,
        )
        for word, text, (begins, ends), tight in zip(best.words, texts, times, glued, strict=True)
        if text
    ], timed


def _glued(transcript: str, texts: list[str]) -> list[bool] | None:
    """Which words follow the one before without a space; None where the transcript is not made of these words."""
    glued: list[bool] = []
    at = 0
    for text in texts:
        begin = at
        while begin < len(transcript) and transcript[begin].isspace():
            begin += 1
        if not transcript.startswith(text, begin):
            return None
        glued.append(begin == at and at > 0)
        at = begin + len(text)
    return glued if not transcript[at:].strip() else None


def _window(message: _Turn, begins_ms: int) -> tuple[int, int]:
    start_ms = millis(message.audio_window_start, "audio_window_start", begins_ms)
    end_ms = millis(message.audio_window_end, "audio_window_end", begins_ms)
    if end_ms < start_ms:
        raise MessageRefused(Code.BAD_TIME, "audio_window_end must not lie before audio_window_start.")
    if message.words and message.words[0].start is not None:
        start_ms = min(end_ms, millis(message.words[0].start, "words.start", begins_ms))
    return start_ms, end_ms


def _mean(confidences: list[float | None]) -> float | None:
    known = [confidence for confidence in confidences if confidence is not None]
    return round(min(1.0, max(0.0, sum(known) / len(known))), 4) if known else None


def _first(languages: list[str] | None) -> str:
    return languages[0][:128] if languages else ""
