"""The state of one call: everything that the fold keeps between two events."""

from typing import Literal, NamedTuple

from immutables import Map
from msgspec import Struct

from rtig.core import frustration, policy
from rtig.core.events import AlertAnswered, CardAnswered, Channel, Tone
from rtig.core.frustration import Influence, Weighing
from rtig.core.guidance import Alert, AlertState, Band, Card, Checklist, Handover, Help, Mood, Quote
from rtig.core.playbook import ClauseRef
from rtig.core.policy import Choice, Choosing
from rtig.core.shape import FOR_EVER, Shape
from rtig.core.transcript import Capture, Heard, Transcript
from rtig.core.triggers import Moment, Scope
from rtig.core.utterances import Meant, Utterance


class Told(Struct, frozen=True):
    """What watchers have been told, so that only differences are told again."""

    mood: Mood | None = None
    cards: Map[str, Card] = Map()
    checklists: Map[str, Checklist] = Map()
    alerts: Map[str, Alert] = Map()
    playbook: str = ""
    """Version of the playbook that the checklists were told from; empty until the call has started."""
    choice: Choice = Choice()
    """The choice that the confirmed cards and the withheld ones were told from."""
    held_back: frozenset[str] = frozenset()
    """Cards that are due, while the agent is just doing what they ask for."""
    untold: tuple[str, ...] = ()
    """Cards of the choice that are not on the screen."""
    wavering: bool = False
    """Whether a card is on the screen that rests on words that are not final yet."""
    with_values: tuple[str, ...] = ()
    """Cards of the choice that say what slots hold."""


class Standing(NamedTuple):
    """An alert on its way through its facts."""

    state: AlertState
    since_ms: int
    moment: Moment
    level: Band
    seen: Band
    """The band above which it is raised again."""
    raised: int
    raised_ms: int
    worse: tuple[Quote, ...] | None = None
    """What was said when the customer's mood became worse, where that raised it again."""
    answered: bool = False
    by: str = ""
    reason: Literal["", "handled", "calmed"] = ""


class Alerted(NamedTuple):
    """How alerts stood at a time: after all that had happened before it."""

    at_ms: int = 0
    standing: Map[ClauseRef, Standing] = Map()


class Call(Struct, frozen=True, kw_only=True):
    call_id: str
    started: bool = False
    ended: bool = False
    channel: Channel = "voice"
    agent: str = ""
    queue: str = ""
    team: str = ""
    customer: str = ""
    started_at: int = 0
    ending: Literal["", "completed", "transferred", "abandoned"] = ""
    """How it ended; empty until then."""
    now: int = 0
    """The latest time that any event named, in ms on the call's clock."""

    transcript: Transcript = Transcript()
    shape: Shape = Shape()
    heard: Map[int, tuple[Heard, ...]] = Map()
    """Where each phrase was said in final words, in order of time."""
    standing: Map[int, tuple[Heard, ...]] = Map()
    """Of phrases with slots, and of those that something must not follow, the places that count."""
    captures: Map[str, tuple[tuple[int, Capture], ...]] = Map()
    """What each slot took that a condition asks for, and when, in order of time."""
    influences: Map[str, tuple[Influence, ...]] = Map()
    """What each signal adds to the weighing."""
    held: tuple[tuple[int, bool], ...] = ()
    """When the customer was put on hold (True) or taken off it, in order of time."""
    utterances: Map[str, tuple[Utterance, ...]] = Map()
    """By party, in order of time: the customer's, and the agent's where the playbook waits for what they mean."""
    readings: Map[str, dict[str, float]] = Map()
    """What a model understood of each utterance, by its key."""
    tones: Map[str, Tone] = Map()
    """What it read of the mood in each of the customer's."""
    meanings: str = ""
    """Version of the meanings that it was asked for."""
    meant: Map[str, tuple[Meant, ...]] = Map()
    """Where each meaning was found, in order of time."""
    weighing: Weighing = frustration.begin()
    lexicon: str = ""
    """Version of the lexicon by which the words in it were read."""
    moments: Map[ClauseRef, tuple[Moment, ...]] = Map()
    unsaid: Map[tuple[str, int], bool] = Map()
    """Rules and the times at which they would have been met, had they been in the playbook then."""
    choosing: Choosing = policy.begin()
    answers: Map[str, CardAnswered] = Map()
    """What the agent did with cards, by the id of the answer."""
    missed: Map[str, str] = Map()
    """Cards that must not be shown, by id, with the reason."""
    missed_early: Map[str, None] = Map()
    """Cards of which nobody saw the provisional one, by id; they may come once their words are final."""
    answered: tuple[AlertAnswered, ...] = ()
    """What supervisors did about alerts."""
    help: Help | None = None
    """The agent's request for help, as it stands or was resolved last."""
    help_ids: Map[str, int] = Map()
    """The how-manieth time of asking for help each request belongs to, by its id."""
    handovers: tuple[Handover, ...] = ()
    """What the agent left for the next one, in the order in which it was sent."""
    alerted: Alerted = Alerted()
    """How alerts stood some time ago, from where they are followed at each event."""
    calms: int | None = None
    """When an alert will resolve by itself if nothing more is heard."""
    touched: int = FOR_EVER
    """The earliest time of which the event that was folded last has changed anything, in ms on the call's clock."""
    phrases: tuple[int, ...] = ()
    """Those that the event that was folded last has brought, taken back or moved."""
    told: Told = Told()
    due: int | None = None
    """When the clock alone may next change something, if nothing more is heard."""
    deadlines: Map[ClauseRef, int] = Map()
    """The same of each clause that waits for the clock and for no silence, which an interim word cannot put off."""

    @property
    def scope(self) -> Scope:
        return Scope(self.queue, self.team, self.channel)
