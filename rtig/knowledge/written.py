"""The knowledge base as its authors write it: one struct for each kind of file. See docs/knowledge-base.md.

What can be said of a value alone is said here, so that the editors' JSON Schemas, which are made from these structs,
know it too. What needs more than one value, or more than one file, is `knowledge`'s to check.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from rtig.core.events import Channel

Id = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=100,
        description="Ids are lower-case words joined by `-`, as in `bill-doubled`",
    ),
]
StepId = Annotated[
    str,
    Meta(
        pattern="^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=201,
        description="A list and its step, as in `opening/greet` or `bill-doubled/2`",
    ),
]
Text = Annotated[str, Meta(min_length=1)]
Duration = Annotated[
    str,
    Meta(pattern="^[0-9]{1,8}(ms|s|m)$", description="Durations are whole numbers with `ms`, `s` or `m`, as in `20s`"),
]
Date = Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="Dates are written as in `2026-07-01`")]
Phrase = Annotated[
    str,
    Meta(
        min_length=1,
        description="Words as people say them; `(a|b)` one of several, `(a)?` or nothing, `disconnect*` endings, "
        "`cancel+` inflections, `~3` up to three other words, `~3~` in either order, `{amount}` a slot, "
        "`!(a|b)` not followed by",
    ),
]
Phrases = Annotated[list[Phrase], Meta(min_length=1, description="A list of phrases; any one of them is enough")]
SlotName = Annotated[
    str,
    Meta(
        pattern="^[a-z][a-z0-9_]*$",
        max_length=40,
        description="Slots are lower-case words joined by `_`, as in `card_type`",
    ),
]
Names = Annotated[list[Text], Meta(min_length=1)]
Priority = Annotated[int, Meta(ge=0, le=100, description="Priority is a whole number from 0 to 100, 50 when left out")]
Seconds = Annotated[float, Meta(ge=0.0, le=3600.0, description="Seconds, as in `24` or `1.5`")]
Party = Literal["customer", "agent", "any"]


class Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something that an author wrote."""


# --- kb.yaml


class Attention(Written, frozen=True, kw_only=True):
    gap: Duration = "6s"
    patience: Duration = "20s"
    ttl: Duration = "90s"
    preempt: Annotated[int, Meta(ge=0, le=100)] = 30


class Mood(Written, frozen=True, kw_only=True):
    half_life: Duration = "90s"
    tense: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.25
    frustrated: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.5
    critical: Annotated[float, Meta(gt=0.0, le=1.0)] = 0.75
    hysteresis: Annotated[float, Meta(ge=0.0, le=0.5)] = 0.08


class Meaning(Written, frozen=True, kw_only=True):
    """What `means` is held against."""

    false_alarms: Annotated[
        float, Meta(gt=0.0, le=20.0, description="Cards that 100 utterances which mean nothing of interest may bring")
    ] = 1.0
    negatives: Annotated[
        list[Text] | None, Meta(description="Sentences that mean none of it, beside those that come with rtig")
    ] = None


class Base(Written, frozen=True, kw_only=True):
    """kb.yaml: name, language, meaning, attention and mood."""

    name: Text
    language: Text = "en"
    meaning: Meaning = Meaning()
    attention: Attention = Attention()
    mood: Mood = Mood()


# --- articles and triggers


class Part(Written, frozen=True, kw_only=True, rename={"for_": "for", "is_": "is", "not_": "not"}):
    """Exactly one condition, and its limits."""

    said: Phrases | None = None
    not_said: Phrases | None = None
    said_again: Phrases | None = None
    means: Annotated[
        list[Text] | Text | None,
        Meta(description="Sentences that mean it, in the customer's own words; or one description"),
    ] = None
    mood: Literal["tense", "frustrated", "critical"] | None = None
    score: Annotated[float, Meta(gt=0.0, le=1.0, description="Frustration, 0 to 1")] | None = None
    silence: Duration | None = None
    talk_over: Annotated[int, Meta(ge=1, le=100)] | None = None
    monologue: Duration | None = None
    hold: Duration | None = None
    talk_share: Annotated[float, Meta(gt=0.0, le=1.0, description="The agent's share of the talk, 0 to 1")] | None = (
        None
    )
    slot: SlotName | None = None
    all: Annotated[list["Part"], Meta(min_length=1, description="All of these conditions")] | None = None
    any: Annotated[list["Part"], Meta(min_length=1, description="One of these conditions")] | None = None
    not_: "Part | None" = None
    party: Party | None = None
    within: Duration | None = None
    first: Duration | None = None
    past: Duration | None = None
    lasting: Duration | None = None
    for_: Duration | None = None
    over: Duration | None = None
    is_: Annotated[list[Text] | Text | None, Meta(description="The value of the slot, or a list of values")] = None
    above: float | None = None
    below: float | None = None
    empty: bool | None = None
    tolerance: Annotated[
        Literal["asr", "none"] | None,
        Meta(description="`asr`: heard through recognition errors too; `none`: only as written"),
    ] = None


class Condition(Part, frozen=True, kw_only=True):
    """What both an article's trigger and one that stands by itself may hold: one condition, and what goes with it."""

    unless: Phrases | None = None
    done: Phrases | None = None
    priority: Priority | None = None
    cooldown: Duration | None = None
    once: bool | None = None
    exempt: bool | None = None
    queues: Names | None = None
    teams: Names | None = None
    channels: Annotated[list[Channel], Meta(min_length=1)] | None = None
    status: Literal["active", "draft"] | None = None


class Trigger(Condition, frozen=True, kw_only=True):
    """One entry of triggers/*.yaml."""

    id: Id
    title: Text
    to: Annotated[
        Literal["agent", "supervisors"],
        Meta(description="`agent`: it brings a card; `supervisors`: it raises an alert on their board, and no card"),
    ] = "agent"
    kind: Literal["coach", "alert"] = "coach"
    say: str = ""
    say_without: str = ""
    body: str = ""


class Triggers(Written, frozen=True, kw_only=True):
    """triggers/*.yaml: coaching, compliance and alerts."""

    triggers: Annotated[list[Trigger], Meta(min_length=1)]


class Article(Written, frozen=True, kw_only=True):
    """The front matter of articles/**/*.md."""

    id: Id
    title: Text
    tags: Names | None = None
    language: Text = "en"
    audience: Text = "agent"
    owner: str = ""
    valid_from: Date | None = None
    review_by: Date | None = None
    say: str = ""
    say_without: str = ""
    priority: Priority = 50
    triggers: Annotated[list[Condition], Meta(min_length=1)] | None = None


# --- slots


class Slot(Written, frozen=True, kw_only=True):
    """A value that the call keeps once it was said."""

    id: SlotName
    kind: Literal["list", "number", "amount", "date", "name", "pattern"]
    values: Annotated[
        dict[Text, list[Text]] | None, Meta(description="Of a list: each value, and other ways to say it")
    ] = None
    pattern: (
        Annotated[str, Meta(min_length=1, description="A regular expression over letters and digits, run together")]
        | None
    ) = None
    said: Phrases | None = None
    party: Party = "customer"
    when: Part | None = None


class Slots(Written, frozen=True, kw_only=True):
    """slots/*.yaml: values that are captured from what is said."""

    slots: Annotated[list[Slot], Meta(min_length=1)]


# --- checklists and lexicons


class Opening(Written, frozen=True, kw_only=True):
    said: Phrases
    party: Party = "customer"


class Step(Written, frozen=True, kw_only=True):
    id: Id
    text: Text
    said: Phrases
    party: Party = "agent"


class Checklist(Written, frozen=True, kw_only=True):
    """playbooks/*.yaml: a checklist that ticks itself."""

    id: Id
    title: Text
    when: Annotated[
        Literal["always"] | Opening, Meta(description="`always`, or `said:` with phrases that open the checklist")
    ] = "always"
    steps: Annotated[list[Step], Meta(min_length=1)]


class Signal(Written, frozen=True, kw_only=True):
    id: Id
    reason: Text
    weight: Annotated[float, Meta(ge=-1.0, le=1.0, description="Added to frustration, 0 to 1; below 0 is relief")]
    said: Phrases
    party: Annotated[
        Literal["customer", "agent"], Meta(description="Who says it: an agent may leave a customer without help")
    ] = "customer"


class Lexicon(Written, frozen=True, kw_only=True):
    """lexicons/*.yaml: how words and phrases weigh on the customer's patience."""

    valence: dict[
        str, Annotated[float, Meta(ge=-4.0, le=4.0, description="VADER's scale, -4 to 4; 0 is no weight")]
    ] = {}
    signals: Annotated[list[Signal], Meta(min_length=1)] | None = None


# --- calls and tests


Spoken = Annotated[str, Meta(min_length=1, max_length=4000)]


class ScriptLine(Written, frozen=True, kw_only=True):
    agent: Spoken | None = None
    customer: Spoken | None = None
    noise: Spoken | None = None
    silence: Seconds | None = None
    pause: Annotated[float, Meta(ge=-60.0, le=3600.0, description="Seconds of silence before this line")] | None = None
    final: bool = True


class Script(Written, frozen=True, kw_only=True):
    """calls/*.yaml: a sample call."""

    id: Id
    title: Text
    channel: Literal["voice", "chat"] = "voice"
    queue: str = ""
    agent: str = ""
    customer: str = ""
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1
    lines: Annotated[list[ScriptLine], Meta(min_length=1)]


class Expected(Written, frozen=True, kw_only=True):
    card: Id
    line: Annotated[int, Meta(ge=1)] | None = None


class Trial(Written, frozen=True, kw_only=True):
    """tests/*.yaml: a scripted call and the cards and alerts that it must give."""

    id: Id
    title: Text
    call: Id | None = None
    channel: Literal["voice", "chat"] = "voice"
    queue: str = ""
    agent: str = ""
    customer: str = ""
    seed: Annotated[int, Meta(ge=0, le=2**31)] = 1
    lines: Annotated[list[ScriptLine], Meta(min_length=1)] | None = None
    expect: list[Expected] | None = None
    alerts: Annotated[
        list[Id] | None, Meta(description="The alerts for supervisors that are raised, in their order")
    ] = None
    ticked: Annotated[
        Annotated[list[StepId], Meta(min_length=1)] | None,
        Meta(description="Steps of articles and checklists, as `opening/greet` or `bill-doubled/2`; of each list all"),
    ] = None
    never: Annotated[list[Id], Meta(min_length=1)] | None = None


FILES: dict[str, type[Written]] = {
    "kb": Base,
    "article": Article,
    "triggers": Triggers,
    "slots": Slots,
    "playbook": Checklist,
    "lexicon": Lexicon,
    "call": Script,
    "test": Trial,
}
"""Every kind of file, by the name of its JSON Schema."""
