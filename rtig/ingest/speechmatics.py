"""Speechmatics real time: pieces of a few words that are final, each followed by a guess at what comes next.

Frames may stand in the Voice SDK's recording envelope (`payload`). Its own segments repeat the raw transcripts that
they were made from, so a stream is read from whichever of the two came first.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from rtig.core.events import Party, SourceEvent
from rtig.errors import Code, MessageRefused
from rtig.ingest.hypothesis import Hypothesis, Word, spread
from rtig.ingest.translator import LONGEST_TEXT, LONGEST_WORD, CallStream, decoded, millis

_SENTENCE_ENDS = (".", "?", "!", "。", "？", "！", "।", "؟")
_LABEL = Annotated[str, Meta(max_length=128)]
_TEXT = Annotated[str, Meta(max_length=LONGEST_TEXT)]


class _Envelope(Struct):
    message: str | None = None
    payload: Raw = Raw()


class _Alternative(Struct):
    content: Annotated[str, Meta(max_length=LONGEST_WORD)]
    confidence: float | None = None
    language: str | None = None
    speaker: _LABEL | None = None


class _Result(Struct):
    type: str
    start_time: float
    end_time: float
    alternatives: list[_Alternative] = []
    attaches_to: str | None = None
    is_eos: bool | None = None


class _Metadata(Struct):
    start_time: float
    end_time: float
    transcript: _TEXT = ""


class _Transcript(Struct):
    """AddTranscript and AddPartialTranscript."""

    metadata: _Metadata
    results: list[_Result] | None = None
    channel: _LABEL | None = None


class _Segment(Struct):
    text: _TEXT
    speaker_id: _LABEL | None = None
    language: str | None = None


class _Segments(Struct):
    """The Voice SDK's AddSegment and AddPartialSegment."""

    metadata: _Metadata
    segments: list[_Segment]


class _End(Struct):
    """EndOfUtterance, and the Voice SDK's EndOfTurn."""

    metadata: _Metadata
    channel: _LABEL | None = None


class _LanguagePack(Struct):
    word_delimiter: Annotated[str, Meta(max_length=8)] = " "


class _Started(Struct):
    id: str | None = None
    language_pack_info: _LanguagePack | None = None


class _Config(Struct):
    """TranscriptionConfig, or StartRecognition around it: what the sender asked the recogniser for."""

    language: str | None = None
    transcription_config: "_Config | None" = None


_envelope = msgspec.json.Decoder(_Envelope)
_transcript = msgspec.json.Decoder(_Transcript)
_segments = msgspec.json.Decoder(_Segments)
_end = msgspec.json.Decoder(_End)
_started = msgspec.json.Decoder(_Started)
_config = msgspec.json.Decoder(_Config)


class Speechmatics:
    """Labels are speakers (`S1`) or, in a stream of several channels, `channel:speaker` and then the channel."""

    def __init__(self, call_id: str, parties: Mapping[str, Party], begins_ms: int = 0) -> None:
        self._stream = CallStream(call_id, parties, begins_ms)
        self._channels: dict[str, Hypothesis] = {}
        self._delimiter = " "
        self._lang = ""
        self._segmented: bool | None = None
        """Whether the Voice SDK's segments are read, not the raw transcripts; None until one of them comes."""
        self._begun_as: str | None = None
        """The id of the recognition in progress; None before the first has begun."""
        self._over = False

    def translate(self, frame: bytes | str) -> tuple[SourceEvent, ...]:
        envelope = decoded(_envelope, frame)
        body: bytes | str | Raw = frame
        if envelope.message is None and bytes(envelope.payload):
            body = envelope.payload
            envelope = decoded(_envelope, body)
        match envelope.message:
            case "AddTranscript" | "AddPartialTranscript":
                events = self._heard(decoded(_transcript, body), envelope.message == "AddTranscript")
            case "AddSegment" | "AddPartialSegment":
                events = self._retold(decoded(_segments, body), envelope.message == "AddSegment")
            case "EndOfUtterance" | "EndOfTurn":
                events = self._ended(decoded(_end, body), envelope.message == "EndOfTurn")
            case "RecognitionStarted":
                return self._begun(decoded(_started, body))
            case "TranscriptionConfig" | "StartRecognition":
                config = decoded(_config, body)
                asked = config.transcription_config or config
                self._lang = asked.language or self._lang
                events = []
            case "EndOfTranscript":
                self._over = True
                events = self._settled()
            case None:
                raise MessageRefused(Code.BAD_MESSAGE, "Object missing required field `message`")
            case _:
                events = []
        return self._stream.told(events)

    def finish(self) -> tuple[SourceEvent, ...]:
        events = self._settled()
        if self._over:
            self._over = False
            return (*self._stream.told(events), self._stream.ended())
        return self._stream.told(events)

    def _begun(self, started: _Started) -> tuple[SourceEvent, ...]:
        """The call begins, or a recogniser that was lost is back and counts from 0 again."""
        self._over = False
        before: tuple[SourceEvent, ...] = ()
        if self._begun_as is not None and (not started.id or started.id != self._begun_as):
            before = self._stream.told(self._settled())
            self._channels.clear()
            self._stream.restart()
        self._begun_as = started.id or ""
        self._stream.enter(self._begun_as)
        if started.language_pack_info is not None:
            self._delimiter = started.language_pack_info.word_delimiter
            for channel in self._channels.values():
                channel.delimiter = self._delimiter
        return (*before, *self._stream.started(self._lang))

    def _heard(self, message: _Transcript, final: bool) -> list[SourceEvent]:
        begins_ms = self._stream.begins()
        until_ms = millis(message.metadata.end_time, "metadata.end_time", begins_ms)
        if message.results is None:
            words = _spread(message.metadata, message.metadata.transcript, "", "", begins_ms, closes=final)
        else:
            words = _words(message.results, begins_ms, closes=final)
        if self._segmented:
            return []
        self._segmented = False
        channel = self._channel(message.channel or "")
        if final:
            return channel.settle(words, until_ms, timed=message.results is not None)
        return channel.revise(words, until_ms)

    def _retold(self, message: _Segments, final: bool) -> list[SourceEvent]:
        begins_ms = self._stream.begins()
        until_ms = millis(message.metadata.end_time, "metadata.end_time", begins_ms)
        words: list[Word] = []
        for segment in message.segments:
            speaker, lang = segment.speaker_id or "", segment.language or ""
            words += _spread(message.metadata, segment.text, speaker, lang, begins_ms, closes=final)
        if self._segmented is False:
            return []
        self._segmented = True
        channel = self._channel("")
        if not final:
            return channel.revise(words, until_ms)
        return [*channel.settle(words, until_ms, timed=False), *channel.close()]

    def _ended(self, message: _End, turn: bool) -> list[SourceEvent]:
        """The Voice SDK's EndOfTurn counts only in a stream of its segments; elsewhere it repeats an EndOfUtterance."""
        at_ms = millis(message.metadata.end_time, "metadata.end_time", self._stream.begins())
        if turn is not bool(self._segmented):
            return []
        if message.channel is not None:
            return self._channel(message.channel).end_turn(at_ms)
        channels = self._channels.values()
        return [event for channel in channels for event in channel.end_turn(at_ms, sure=len(channels) == 1)]

    def _settled(self) -> list[SourceEvent]:
        return [event for channel in self._channels.values() for event in channel.finish()]

    def _channel(self, label: str) -> Hypothesis:
        if label not in self._channels:
            self._channels[label] = Hypothesis(self._stream, label, _labels(label), self._delimiter)
        return self._channels[label]


def _labels(channel: str) -> Callable[[str], tuple[str, ...]]:
    """Without channels the speaker tells who it is; with them speakers are counted anew in each."""
    if not channel:
        return lambda speaker: (speaker,)
    return lambda speaker: (f"{channel}:{speaker}", channel)


def _words(results: list[_Result], begins_ms: int, closes: bool) -> list[Word]:
    words: list[Word] = []
    for result in results:
        start_ms = millis(result.start_time, "results.start_time", begins_ms)
        end_ms = millis(result.end_time, "results.end_time", begins_ms)
        if not result.alternatives:
            continue
        best = result.alternatives[0]
        content = best.content.strip()
        if not content:
            continue
        spoken = result.type != "punctuation"
        attaches = result.attaches_to or ("none" if spoken else "previous")
        words.append(
            Word(
                content,
                start_ms,
                max(start_ms, end_ms),
                best.speaker or "",
                glued=attaches in ("previous", "both"),
                gluing=attaches in ("next", "both"),
                spoken=spoken,
                confidence=best.confidence,
                lang=best.language or "",
            )
        )
        ends = result.is_eos if result.is_eos is not None else not spoken and content in _SENTENCE_ENDS
        if closes and ends and result is results[-1]:
            words[-1] = words[-1]._replace(closes=True)
    return words


def _spread(metadata: _Metadata, text: str, speaker: str, lang: str, begins_ms: int, closes: bool) -> list[Word]:
    start_ms = millis(metadata.start_time, "metadata.start_time", begins_ms)
    end_ms = max(start_ms, millis(metadata.end_time, "metadata.end_time", begins_ms))
    words = spread(text, Word("", start_ms, end_ms, speaker, lang=lang))
    if words and closes and text.rstrip().endswith(_SENTENCE_ENDS):
        words[-1] = words[-1]._replace(closes=True)
    return words
