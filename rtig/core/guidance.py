"""What the agent and the supervisor should see: the only output of the fold.

Each item replaces the one with the same identity: a card the card with its `id`, a line the line with its
`segment_id`, a checklist the one with its `id`, a mood the mood before. So a screen is a dictionary that these items
are put into, and whoever joins late may skip what a later item replaced.

Times are milliseconds on the call's clock. Items are for the wire as they are.
"""

from typing import Literal

from msgspec import Struct

from rtig.core.events import Channel, Party

Band = Literal["calm", "tense", "frustrated", "critical"]
CardKind = Literal["article", "coach", "checklist", "alert"]
CardState = Literal["provisional", "confirmed", "retracted"]
AlertState = Literal["open", "acknowledged", "resolved"]


class Item(Struct, frozen=True, kw_only=True, tag_field="type"):
    call_id: str


class Quote(Struct, frozen=True, gc=False):
    """Where something was said: characters `start` to `end` of a segment's text."""

    segment_id: str
    party: Party
    start: int
    end: int
    text: str


class Bend(Struct, frozen=True, gc=False):
    """A word that was heard for another one that was meant; either may be two words."""

    heard: str
    meant: str


class Line(Item, frozen=True, kw_only=True, tag="transcript"):
    """One segment as it is now known. `voided` lines are to be removed."""

    segment_id: str
    rev: int
    party: Party
    text: str
    final: bool
    start_ms: int
    end_ms: int
    voided: bool = False


class ArticleRef(Struct, frozen=True, gc=False):
    id: str
    version: str
    review_by: str


class Why(Struct, frozen=True, gc=False, kw_only=True):
    """Why a card or an alert came: the rule, its playbook, the words, and what it was preferred to."""

    rule: str
    playbook: str
    condition: str
    """The condition in words, e.g. `said "bill ~4 doubled" by customer`."""
    words: tuple[Quote, ...] = ()
    bends: tuple[Bend, ...] = ()
    """What was made out through recognition errors."""
    score: float | None = None
    """How sure a model is that this was meant, from 0.5 to 1; None where the words or the call said it."""
    near: tuple[str, ...] = ()
    """Ids of articles that were about as likely to be meant."""
    beat: tuple[str, ...] = ()
    """Ids of rules whose cards had to wait or fell away because of this one."""


class Card(Item, frozen=True, kw_only=True, tag="card"):
    """One card, whole, each time that it changes state.

    `id` is derived: the rule and the how-manieth card of that rule in this call, so everyone who folds the same log
    shows the same card, however the words were cut.
    """

    id: str
    state: CardState
    kind: CardKind
    title: str
    say: str
    body: str
    """Safe HTML."""
    steps: tuple[str, ...] = ()
    article: ArticleRef | None = None
    why: Why
    priority: int
    exempt: bool = False
    """It does not wait for others: compliance demands it."""
    at_ms: int
    """When the words (or the moment) were that it answers."""
    shown_ms: int
    expires_ms: int
    cause: int
    """Number of the event in the call's log that brought this state."""
    reason: str = ""
    """Why it was retracted: `revised`, `excluded`, `done`, `voided`, `late`, `superseded`, `unfinished`."""


class Reason(Struct, frozen=True, gc=False, kw_only=True):
    """One piece of evidence for the customer's mood."""

    what: str
    """In words, e.g. `has been in touch before`."""
    weight: float
    """Share of patience that it took (above 0) or gave back (below 0)."""
    at_ms: int
    words: tuple[Quote, ...] = ()


class Mood(Item, frozen=True, kw_only=True, tag="mood"):
    """The customer's frustration: 0 calm to 1, its band, and the evidence, strongest first."""

    score: float
    band: Band
    at_ms: int
    reasons: tuple[Reason, ...] = ()
    reading: Literal["words", "words and model"] = "words"
    """What the score rests on: without the model lane it is the immediate reading of the words alone."""
    risk: float = 0.0
    """How likely it is that the call ends badly, 0 to 1, from all that was said and happened so far."""


class Step(Struct, frozen=True, gc=False, kw_only=True):
    id: str
    text: str
    done: bool = False
    words: tuple[Quote, ...] = ()


class Checklist(Item, frozen=True, kw_only=True, tag="checklist"):
    """Steps that tick themselves when they are said: of a conversation, or of an article while its card stands."""

    id: str
    """Of a card's steps the card's `id`."""
    card: bool = False
    """Whether these are the steps of the card with this `id`."""
    title: str
    steps: tuple[Step, ...]
    withdrawn: bool = False
    """The words that opened it turned out to be others: take it away."""


class Withheld(Item, frozen=True, kw_only=True, tag="withheld"):
    """A card that was called for and not shown, and why: the answer to "why did it not come?"."""

    rule: str
    reason: Literal[
        "cooldown", "once", "budget", "excluded", "done", "muted", "draft", "queue", "team", "channel", "late", "beaten"
    ]
    by: str = ""
    """The rule or card that stood in its way, where one did."""
    at_ms: int
    words: tuple[Quote, ...] = ()


class Whisper(Item, frozen=True, kw_only=True, tag="whisper"):
    id: str
    text: str
    by: str
    at_ms: int


class Hint(Item, frozen=True, kw_only=True, tag="hint"):
    id: str
    name: str
    value: float
    at_ms: int


class CallInfo(Item, frozen=True, kw_only=True, tag="call"):
    """The call itself: first when it starts, again when it ends or when its playbook changes."""

    state: Literal["live", "ended"]
    channel: Channel
    agent: str
    queue: str
    customer: str
    started_at: int
    playbook: str
    ended_ms: int | None = None


class Alert(Item, frozen=True, kw_only=True, tag="alert"):
    """One alert for the supervisors, whole, each time that it changes state: one a call and rule.

    `id` is the rule's, so everyone who folds the same log tells the same alert.
    """

    id: str
    source: Literal["rule", "agent"] = "rule"
    """`agent`: it is the agent who asks for help; there is no rule."""
    text: str = ""
    """What the agent said when asking for help."""
    state: AlertState
    title: str
    level: Band
    """The customer's band when it was raised, the last time."""
    raised: int
    """How many times it was raised in this call."""
    raised_ms: int
    at_ms: int
    """Since when it has been in this state."""
    why: Why
    by: str = ""
    """Who took it on or dealt with it; empty where nobody did, or the name is not known."""
    reason: Literal["", "handled", "calmed", "ended", "revised", "withdrawn"] = ""
    """Why it is resolved: by a person; what raised it holds no longer; the call is over; the words were others; the
    agent needs no help any more."""
    cause: int
    """Number of the event in the call's log that brought this state."""


class Help(Item, frozen=True, kw_only=True, tag="help"):
    """What became of the agent's request for help, whole, each time that it changes: one a call.

    The supervisors have it as an alert.
    """

    id: str
    """Of the request that opened it."""
    state: AlertState
    text: str
    """What the agent said about it, redacted; empty where nothing."""
    asked: int
    """How many times help was asked for in this call."""
    asked_ms: int
    """When it was asked for, the last time."""
    at_ms: int
    """Since when it has been in this state."""
    by: str = ""
    """The supervisor who took it on or dealt with it; empty where nobody did, or the name is not known."""
    reason: Literal["", "handled", "withdrawn", "ended"] = ""
    """Why it is resolved: by a supervisor; taken back by the agent; the call is over."""


class Handover(Item, frozen=True, kw_only=True, tag="handover"):
    """What an agent left for whoever has the customer next."""

    id: str
    text: str
    by: str
    sent_at: int
    """Unix milliseconds."""


Watched = CallInfo | Line | Card | Mood | Checklist | Withheld | Whisper | Hint | Help | Handover
"""What whoever watches a call is told."""
Guidance = Watched | Alert
"""Alerts are for the supervisors' board; see `rtig.gateway.floor`."""


class BoardRow(Struct, frozen=True, kw_only=True):
    """One live call on the supervisors' board."""

    call_id: str
    agent: str
    queue: str
    customer: str
    channel: Channel
    started_at: int
    """Unix milliseconds."""
    clock_ms: int
    score: float
    band: Band
    risk: float = 0.0
    """See `Mood`."""
    reading: Literal["words", "words and model"] = "words"
    reason: str
    """The strongest reason in words; empty on a calm call."""
    spark: tuple[float, ...]
    """The score at equal steps over the last minutes, oldest first, at most 30."""
    red_ms: int = 0
    """For how long the mood has been frustrated or critical so far; runs on while it is."""
    cards: int


class CourseStep(Struct, frozen=True, kw_only=True):
    """Something that moved the score, and where the score was then. It fades from one step to the next."""

    at_ms: int
    score: float
    band: Band
    weight: float
    """See `Reason`."""
    what: str
    words: tuple[Quote, ...] = ()


class Stretch(Struct, frozen=True, kw_only=True):
    start_ms: int
    end_ms: int


class CardDeeds(Struct, frozen=True, kw_only=True):
    """What the agent did with a card."""

    card_id: str
    did: tuple[str, ...]
    """Of `opened`, `copied`, `pinned`, `useful`, `dismissed`, in this order."""
    reason: Literal["", "wrong", "late", "known", "busy"] = ""
    """Why it was dismissed, where the agent said so."""


class Course(Struct, frozen=True, kw_only=True):
    """How a call has gone so far: the customer's frustration from its start, what moved it, and what was done."""

    call_id: str
    at_ms: int
    """The call's clock when this was made."""
    half_life_ms: int
    """In which the score halves when nothing is said."""
    tense: float
    frustrated: float
    critical: float
    """Where the bands begin."""
    steps: tuple[CourseStep, ...]
    """In order of time; of a very long call the last ones."""
    holds: tuple[Stretch, ...] = ()
    talk_over: tuple[int, ...] = ()
    """When the agent began to speak over the customer."""
    deeds: tuple[CardDeeds, ...] = ()


class BriefLine(Struct, frozen=True, kw_only=True):
    """Something that was said, in the speaker's own words, at most 160 characters, and where it was said."""

    text: str
    """The words of `words`, with ` …` behind them where more was said; empty where `what` says it all."""
    at_ms: int
    words: tuple[Quote, ...]
    what: str = ""
    """What it is, in words of the knowledge base or of rtig, e.g. `tense: has been in touch before`."""
    when: str = ""
    """Of a promise: by when, in the words that were said."""


class BriefArticle(Struct, frozen=True, kw_only=True):
    """An article that came up, what the agent did with it, and the words that called for it."""

    id: str
    title: str
    version: str
    did: tuple[str, ...]
    """Of `opened`, `copied`, `pinned`, `useful`, `dismissed`, in this order; none: it was shown and left."""
    at_ms: int
    words: tuple[Quote, ...] = ()


class BriefMood(Struct, frozen=True, kw_only=True):
    """The customer's mood now, the highest that it was, and what turned it."""

    score: float
    band: Band
    highest: Band
    highest_ms: int
    turns: tuple[BriefLine, ...] = ()


class Brief(Struct, frozen=True, kw_only=True):
    """What whoever takes the call over has to know, on one screen: lines that were said, and links to where.

    Nothing in it is made up: it is chosen from the transcript, the cards, the checklists and the mood. In each part the
    lines stand in the order in which they were said.
    """

    call_id: str
    state: Literal["live", "ended"]
    reason: Literal["", "completed", "transferred", "abandoned"]
    """How the call ended; empty while it is live."""
    channel: Channel
    agent: str
    queue: str
    customer: str
    started_at: int
    """Unix milliseconds; 0 when the source does not know."""
    at_ms: int
    """The call's clock when this was made."""
    playbook: str
    mood: BriefMood
    who: tuple[BriefLine, ...] = ()
    """What names the customer and the case."""
    asked: tuple[BriefLine, ...] = ()
    tried: tuple[BriefLine, ...] = ()
    """What was done and found, by either party, and how it went."""
    promised: tuple[BriefLine, ...] = ()
    articles: tuple[BriefArticle, ...] = ()
    open: tuple[BriefLine, ...] = ()
    """What nobody has answered yet, as far as can be told."""
    handover: Handover | None = None
    """What the agent left for the next one, the last that was sent."""


class Contact(Struct, frozen=True, kw_only=True):
    """One call of the customer, as the agent of another sees it. No word that was said is in it."""

    call_id: str
    state: Literal["live", "ended"]
    reason: Literal["", "completed", "transferred", "abandoned"]
    """How it ended; empty while it is live."""
    channel: Channel
    agent: str
    queue: str
    started_at: int
    """Unix milliseconds."""
    lasted_ms: int
    band: Band
    """The customer's, at the end."""
    because: str
    """What took the customer's patience last, in words; empty where it ended calm."""
