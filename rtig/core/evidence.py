"""What wears a customer's patience or gives some of it back: each piece of evidence, with where it was said.

The customer's utterances are read by the lexicon at once and by a model some milliseconds later, whose reading then
counts instead. Beside what is said stands what happens: a request that has to be made again, a wait, being talked over,
a refusal. Of the agent's words none is read for mood; those of a signal say that the customer was left without help.

The shares of patience are set by hand, for one such event on its own; what each is worth over a whole call is fitted
(`frustration.Odds`).
"""

from collections.abc import Iterator, Sequence
from math import fsum
from typing import Literal, NamedTuple

from rtig.core.events import Tone
from rtig.core.frustration import Influence, Kind, Signal
from rtig.core.guidance import Quote
from rtig.core.language import Language
from rtig.core.sentiment import Sentiment
from rtig.core.shape import Span
from rtig.core.transcript import PAUSE_MS, Heard
from rtig.core.utterances import Utterance

READ_FROM = -0.25
"""Weaker negative readings are noise on service talk: VADER calls a neutral "no" or "error" -0.3 to -0.4."""
WORDS_WEIGH = 0.35
"""Share of patience that a lexicon's reading of -1 takes. A signal, which knows what it means, may weigh more."""
RELIEF_FROM = 0.5
RELIEF_WEIGHS = 0.2
"""A reading of 1 gives back this share: polite words are common in angry calls and prove little."""
UPSET_FROM, UPSET_WEIGHS = 0.5, 0.4
"""A model that is surer than not that the customer is upset takes up to this share of patience."""
PLEASED_FROM, PLEASED_WEIGHS = 0.6, 0.25
POLITE_WEIGHS = 0.08
"""Who says thank you may only be polite, before the next question or after nothing was solved."""
STRAIN_MOST = 8.0
"""Log odds of one utterance, either way: one of a kind that the model has never seen must not decide a call."""

AGAIN_AMONG = 12
"""How many utterances of the same party are looked back over for the same request: further back it is a new matter."""
AGAIN_ALIKE = 0.6
"""Two utterances ask the same where they share this part of all that their words say, in nats."""
AGAIN_NATS = 22.0
"""What they share must say as much: about three words that are not among the commonest."""
AGAIN_WEIGHS = 0.12
TALKED_OVER_WEIGHS = 0.06
LONG_WAIT_MS = 20_000
WAIT_WEIGHS = 0.1
"""For each minute of a wait, from `LONG_WAIT_MS` up."""
WAIT_WEIGHS_MOST = 0.3
HOLD_EVERY_MS = 60_000
HOLD_WEIGHS = 0.08

SOUNDS = {
    "anger": "sounds angry",
    "annoyance": "sounds annoyed",
    "disappointment": "sounds disappointed",
    "disapproval": "is not content with this",
    "disgust": "sounds disgusted",
    "gratitude": "says thank you",
    "relief": "sounds relieved",
}
"""What emotions of GoEmotions (Demszky et al. 2020) are called here."""
REFUSED = "refused"
"""What counts as one signal: an agent who did not understand and can only do this or that has refused once."""


class Read(NamedTuple):
    """What is read in an utterance: by the lexicon, and by a model where it has."""

    words: float
    tone: Tone | None


def name(kind: Literal["said", "again"], one: Utterance) -> str:
    """The key of an utterance's influence: several windows of a message that takes no time begin and end together."""
    return f"{kind}:{one.start_ms}:{one.key}"


def said(one: Utterance, read: Read, sentiment: Sentiment) -> Influence:
    """What an utterance of the customer does to their patience; its weight is 0 where that is nothing."""
    tone = read.tone
    amounts: list[tuple[Kind, float]] = [("said", 1.0), ("words", read.words)]
    if tone is None:
        upset, pleased = read.words <= READ_FROM, read.words >= RELIEF_FROM
        weight = -read.words * (WORDS_WEIGH if upset else RELIEF_WEIGHS) if upset or pleased else 0.0
        what = "strong words" if upset else "friendly words"
    else:
        amounts += [("read", 1.0), ("upset", tone.upset), ("pleased", tone.pleased)]
        amounts += [("strain", max(-STRAIN_MOST, min(STRAIN_MOST, tone.strain)))]
        upset, pleased = tone.upset >= UPSET_FROM, tone.pleased >= PLEASED_FROM
        relief = POLITE_WEIGHS if tone.emotion == "gratitude" else PLEASED_WEIGHS
        weight = (
            (tone.upset - UPSET_FROM) / (1 - UPSET_FROM) * UPSET_WEIGHS
            if upset
            else -tone.pleased * relief
            if pleased
            else 0.0
        )
        what = SOUNDS.get(tone.emotion, "sounds upset" if upset else "sounds pleased")
    return Influence(
        at_ms=one.end_ms,
        key=name("said", one),
        what=what,
        weight=round(weight, 4),
        quotes=_telling(one, sentiment, negative=upset) if upset or pleased else (),
        since_ms=one.start_ms,
        amounts=tuple(amounts),
    )


def said_again(utterances: Sequence[Utterance], index: int, language: Language) -> Influence | None:
    """The customer says what they have said before, in an earlier turn. `utterances` are theirs, in order of time."""
    one = utterances[index]
    words = frozenset(one.text.split())
    began = one.start_ms
    for earlier in reversed(utterances[max(0, index - AGAIN_AMONG) : index]):
        if began < earlier.end_ms + PAUSE_MS:
            began = min(began, earlier.start_ms)  # the same turn: its windows overlap
            continue
        if _alike(words, frozenset(earlier.text.split()), language):
            return Influence(
                at_ms=one.end_ms,
                key=name("again", one),
                what="had to say it again",
                weight=AGAIN_WEIGHS,
                quotes=(*earlier.quotes, *one.quotes),
                amounts=(("again", 1.0),),
            )
    return None


def signalled(signal: Signal, places: Sequence[Heard]) -> tuple[Influence, ...]:
    """Where a signal was given, at most once at a time."""
    kind: Kind = "refused" if signal.party == "agent" else "heat" if signal.weight > 0 else "relief"
    amount = 1.0 if kind == "refused" else abs(signal.weight)
    given = {
        place.end_ms: Influence(
            at_ms=place.end_ms,
            key=f"signal:{signal.id}",
            what=signal.reason,
            weight=signal.weight,
            quotes=place.quotes,
            signal=REFUSED if kind == "refused" else signal.id,
            amounts=((kind, amount),),
        )
        for place in places
        if place.party == signal.party
    }
    return tuple(given[at_ms] for at_ms in sorted(given))


def talked_over(at_ms: int) -> Influence:
    return Influence(at_ms, f"over:{at_ms}", "was talked over", TALKED_OVER_WEIGHS, amounts=(("talked_over", 1.0),))


def waited(gap: Span) -> Influence | None:
    """A silence that has ended, on the phone: in a chat people do something else meanwhile."""
    minutes = (gap.end_ms - gap.start_ms) / 60_000
    if gap.end_ms - gap.start_ms < LONG_WAIT_MS:
        return None
    weight = round(min(WAIT_WEIGHS_MOST, minutes * WAIT_WEIGHS), 4)
    seconds = (gap.end_ms - gap.start_ms) // 1000
    return Influence(
        gap.end_ms, f"wait:{gap.start_ms}", f"waited {seconds} s in silence", weight, amounts=(("waited", minutes),)
    )


def held(holds: Sequence[Span], now: int) -> Iterator[Influence]:
    """Each whole minute on hold, as far as it has passed."""
    for span in holds:
        for at_ms in range(span.start_ms + HOLD_EVERY_MS, min(span.end_ms, now) + 1, HOLD_EVERY_MS):
            minutes = (at_ms - span.start_ms) // HOLD_EVERY_MS
            what = f"has been on hold for {minutes} min"
            yield Influence(at_ms, f"hold:{span.start_ms}", what, HOLD_WEIGHS, amounts=(("waited", 1.0),))


def next_minute(holds: Sequence[Span], now: int) -> int | None:
    """When another minute on hold will have passed."""
    for span in holds:
        if span.start_ms <= now < span.end_ms:
            return now + HOLD_EVERY_MS - (now - span.start_ms) % HOLD_EVERY_MS
    return None


def _alike(words: frozenset[str], before: frozenset[str], language: Language) -> bool:
    # The order of a set is not the same in every process, and a sum of rounded parts would differ by it.
    nats = fsum(map(language.rarity, words & before))
    return nats >= AGAIN_NATS and nats >= AGAIN_ALIKE * fsum(map(language.rarity, words | before))


def _telling(one: Utterance, sentiment: Sentiment, *, negative: bool) -> tuple[Quote, ...]:
    """The words that carry the reading; all of it where no single word does."""
    found = []
    for quote in one.quotes:
        place = quote.start
        for word in quote.text.split():
            at = quote.text.index(word, place - quote.start)
            bare = word.strip(".,!?;:\"'()")
            place = quote.start + at + len(word)
            weight = sentiment.weight(bare)
            if bare and (weight < -0.5 if negative else weight > 0.5):
                start = quote.start + at + word.index(bare)
                found.append(Quote(quote.segment_id, quote.party, start, start + len(bare), bare))
    return tuple(found) or one.quotes
