"""One open hypothesis: a channel's words that are settled but not yet a closed segment, and the guess that follows.

Recognisers that settle speech in pieces give no segments. Here they are cut: a run of one speaker's words is a segment,
told again with a higher revision whenever it grows, its `stable` prefix being what is settled. It is closed when the
utterance ends, when a sentence has ended and more is said, when another speaker's words are settled, after a silence,
or when it is too long. A guess that goes away takes its segment with it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from rtig.core.events import MAX_CALL_MS, Party, SegmentHeard, SegmentVoided, SourceEvent
from rtig.ingest.translator import LONGEST_WORD, CallStream

LONGEST_WORDS = 60
"""Some 17 seconds of speech at 3.5 words a second: long for a sentence, short enough to be settled while it matters."""
LONGEST_CHARACTERS = 8_000
"""Far below what an event may carry, for words that are long or have no spaces between them."""
SILENCE_MS = 2_000
"""A recogniser waits at most this long before it ends an utterance; where it is not asked to, nobody ends it but us."""


class Word(NamedTuple):
    text: str
    start_ms: int
    end_ms: int
    speaker: str = ""
    glued: bool = False
    """No delimiter stands between this and what comes before."""
    gluing: bool = False
    """No delimiter stands between this and what comes after."""
    spoken: bool = True
    """False for punctuation, which nobody said."""
    confidence: float | None = None
    lang: str = ""
    closes: bool = False
    """A sentence ends here: what follows is another segment."""

    @property
    def trails(self) -> bool:
        """Punctuation that belongs to what comes before it, whoever said that."""
        return self.glued and not self.spoken


class _Run:
    """Words that make one segment. `settled` counts those that are; they come first."""

    def __init__(self, word: Word, settled: bool) -> None:
        self.words = [word]
        self.settled = int(settled)
        self.characters = len(word.text)

    def takes(self, word: Word) -> bool:
        last = self.words[-1]
        if self.characters + len(word.text) > LONGEST_CHARACTERS:
            return False
        if word.trails:
            return True
        return self.same(word) and not last.closes and len(self.words) < LONGEST_WORDS

    def same(self, word: Word) -> bool:
        """Whether the word goes on where the run stops. What is only guessed may change its mind about this."""
        return word.speaker == self.words[0].speaker and word.start_ms - self.words[-1].end_ms < SILENCE_MS

    def add(self, word: Word, settled: bool) -> None:
        self.words.append(word)
        self.settled += settled
        self.characters += len(word.text) + 1

    def over(self, following: "_Run") -> bool:
        """Whether nothing can be added to this run any more, given the one after it."""
        return self.settled == len(self.words) and (following.settled > 0 or self.same(following.words[0]))


class _Open(NamedTuple):
    """A segment that has been told and is not closed."""

    speaker: str
    told: SegmentHeard


class Hypothesis:
    """One channel's. `label_of` gives the labels by which a speaker's party is looked up, the most telling first."""

    def __init__(
        self,
        stream: CallStream,
        channel: str = "",
        label_of: Callable[[str], tuple[str, ...]] = lambda speaker: (speaker,),
        delimiter: str = " ",
    ) -> None:
        self._stream = stream
        self._channel = channel
        self._label_of = label_of
        self.delimiter = delimiter
        self._settled: list[Word] = []
        self._tail: list[Word] = []
        self._open: list[_Open] = []
        self._last: SegmentHeard | None = None
        """The segment closed last: an utterance's end or a full stop may still come for it."""
        self._piece: tuple[int, tuple[Word, ...]] = (-1, ())
        """Until where the channel is settled, and by what, to know a piece that is sent again."""
        self._spoken_ms = -1
        """The end of the last settled word."""

    def revise(self, tail: Sequence[Word], until_ms: int) -> list[SourceEvent]:
        """Replace the guess. One from before what is settled was sent late or twice, and changes nothing."""
        if until_ms < self._piece[0]:
            return []
        self._tail = self._unsettled(tail, self._spoken_ms)
        return self._tell(until_ms)

    def settle(self, words: Sequence[Word], until_ms: int, timed: bool = True) -> list[SourceEvent]:
        """Take a piece that is final, the next after those before it. A piece that comes again changes nothing.

        Where words have their own times (`timed`), the part of the guess that lies beyond the piece stays; the
        recogniser is about to repeat it.
        """
        piece = (until_ms, tuple(words))
        if until_ms < self._piece[0] or piece == self._piece:
            return []
        self._piece = piece
        events: list[SourceEvent] = []
        for word in words:
            if word.trails and not self._settled:
                events += self._punctuate(word)
            else:
                self._settled.append(word)
        if words:
            self._spoken_ms = max(self._spoken_ms, words[-1].end_ms)
        self._tail = self._unsettled(self._tail, until_ms) if timed else []
        return events + self._tell(until_ms)

    def end_turn(self, at_ms: int, sure: bool = True) -> list[SourceEvent]:
        """The utterance is over: close what is settled. Without `sure`, a channel in mid-word is left its turn."""
        if not self._settled:
            last = self._last
            if last is None or last.turn_end or self._tail or at_ms < last.start_ms:
                return []
            return [self._revise_last(replace(last, turn_end=True))]
        if at_ms < self._settled[0].start_ms:
            return []
        return self._close(turn_end=sure or not self._tail)

    def close(self) -> list[SourceEvent]:
        """Close what is settled; whoever speaks may go on speaking."""
        return self._close(turn_end=False) if self._settled else []

    def finish(self) -> list[SourceEvent]:
        """Nothing more comes: close what is settled, take back the guess."""
        self._tail = []
        return self.close() + self._tell(0)

    def _close(self, turn_end: bool) -> list[SourceEvent]:
        events: list[SourceEvent] = []
        tail, self._tail = self._tail, []
        runs = self._cut()
        for index, run in enumerate(runs):
            events.append(self._final(run, turn_end and index == len(runs) - 1))
        self._settled = []
        self._tail = tail
        return events + self._tell(0)

    def _tell(self, now_ms: int) -> list[SourceEvent]:
        """Close what can be closed, tell what has changed, void what has gone."""
        runs = self._cut()
        events: list[SourceEvent] = []
        while len(runs) > 1 and runs[0].over(runs[1]):
            run = runs.pop(0)
            del self._settled[: len(run.words)]
            events.append(self._final(run, turn_end=False))
        if self._settled and not self._tail and now_ms - self._settled[-1].end_ms >= SILENCE_MS:
            return events + self._close(turn_end=False)
        before, self._open = self._open, []
        fresh: list[SourceEvent] = []
        for run in runs:
            known = _taken(before, run.words[0].speaker)
            event = self._heard(run, known)
            if known is None or (event.text, event.stable) != (known.told.text, known.told.stable):
                fresh.append(event)
            elif known is not None:
                event = known.told
            self._open.append(_Open(run.words[0].speaker, event))
        gone = [SegmentVoided(call_id=self._stream.call_id, segment_id=open_.told.segment_id) for open_ in before]
        return [*events, *gone, *fresh]

    def _cut(self) -> list[_Run]:
        runs: list[_Run] = []
        for index, word in enumerate((*self._settled, *self._tail)):
            settled = index < len(self._settled)
            if runs and runs[-1].takes(word):
                runs[-1].add(word, settled)
            else:
                runs.append(_Run(word, settled))
        return runs

    def _final(self, run: _Run, turn_end: bool) -> SegmentHeard:
        event = replace(self._heard(run, _taken(self._open, run.words[0].speaker)), final=True, turn_end=turn_end)
        self._last = event
        return event

    def _heard(self, run: _Run, known: _Open | None) -> SegmentHeard:
        first, speaker = run.words[0], run.words[0].speaker
        sure = [word.confidence for word in run.words if word.spoken and word.confidence is not None]
        if known is None:
            label = "-".join(part for part in (self._channel, speaker) if part)
            segment_id, rev = self._stream.segment_id(label, first.start_ms), 0
        else:
            segment_id, rev = known.told.segment_id, known.told.rev + 1
        return SegmentHeard(
            call_id=self._stream.call_id,
            segment_id=segment_id,
            rev=rev,
            party=self._party(speaker),
            text=joined(run.words, self.delimiter),
            stable=len(joined(run.words[: run.settled], self.delimiter)),
            start_ms=first.start_ms,
            end_ms=min(MAX_CALL_MS, max(word.end_ms for word in run.words)),
            confidence=round(min(1.0, max(0.0, sum(sure) / len(sure))), 4) if sure else None,
            lang=first.lang[:128],
        )

    def _party(self, speaker: str) -> Party:
        return self._stream.party(*self._label_of(speaker))

    def _unsettled(self, tail: Sequence[Word], until_ms: int) -> list[Word]:
        """What of a guess lies beyond the settled words, by the middle of each word, and is more than punctuation."""
        begin = 0
        for index, word in enumerate(tail):
            if word.spoken and word.start_ms + word.end_ms <= 2 * until_ms:
                begin = index + 1
        while begin < len(tail) and tail[begin].trails and (begin > 0 or not self._settled):
            begin += 1
        return list(tail[begin:])

    def _punctuate(self, word: Word) -> list[SourceEvent]:
        """A full stop for a segment that is closed already. Where there is none, it has nothing to stand behind."""
        last = self._last
        if last is None or len(last.text) + len(word.text) > LONGEST_CHARACTERS:
            return []
        text = last.text + word.text
        return [self._revise_last(replace(last, text=text, stable=len(text)))]

    def _revise_last(self, event: SegmentHeard) -> SegmentHeard:
        self._last = replace(event, rev=event.rev + 1)
        return self._last


def _taken(open_: list[_Open], speaker: str) -> _Open | None:
    """The speaker's first open segment, taken out of the list."""
    for index, candidate in enumerate(open_):
        if candidate.speaker == speaker:
            return open_.pop(index)
    return None


def spread(text: str, over: Word) -> list[Word]:
    """The words of a text that comes without their times, evenly over its own; the rest is as in `over`."""
    parts = [
        (part[at : at + LONGEST_WORD], at > 0) for part in text.split() for at in range(0, len(part), LONGEST_WORD)
    ]
    step = (over.end_ms - over.start_ms) / max(1, len(parts))
    return [
        over._replace(
            text=part,
            glued=glued,
            start_ms=over.start_ms + round(step * index),
            end_ms=over.start_ms + round(step * (index + 1)),
        )
        for index, (part, glued) in enumerate(parts)
    ]


def joined(words: Sequence[Word], delimiter: str) -> str:
    parts: list[str] = []
    for index, word in enumerate(words):
        if index and not word.glued and not words[index - 1].gluing:
            parts.append(delimiter)
        parts.append(word.text)
    return "".join(parts)
