"""Reads a knowledge base, a folder that a team keeps in git, and makes a playbook of it. See docs/knowledge-base.md.

Files are read in the order of their paths, so the same folder gives the same playbook, version included, on every
machine. All that is wrong in the folder is collected and raised at once; half a knowledge base is never served.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import regex
from msgspec.structs import replace
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from rtig import shipped as files
from rtig.core.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Means,
    Monologue,
    MoodAt,
    Not,
    NotSaid,
    OnHold,
    Said,
    SaidAgain,
    ScoreAt,
    Silence,
    SlotIs,
    TalkOver,
    TalkShare,
    parts,
)
from rtig.core.events import Party
from rtig.core.frustration import Risk, Signal, Temper
from rtig.core.guidance import ArticleRef
from rtig.core.language import Language, Pairs
from rtig.core.phrases import parse, slots_of
from rtig.core.playbook import (
    ChecklistSource,
    MeaningSource,
    Playbook,
    SignalSource,
    SlotSource,
    Source,
)
from rtig.core.policy import Attention
from rtig.core.slots import BUILT_IN, slots_in
from rtig.core.triggers import Clause, Rule, StepSource
from rtig.errors import PhraseError, PlaybookError, PlaybookErrors
from rtig.knowledge import written
from rtig.knowledge.article import WrittenStep, body_and_steps, front_matter, html
from rtig.knowledge.yamlfile import File, Node
from rtig.script import Line, Script
from rtig.script import Silence as Pause

_T = TypeVar("_T")

ARTICLE_COOLDOWN_MS = 600_000
LONGEST_SCRIPT_S = 4 * 60 * 60
_UNITS = {"ms": 1, "s": 1000, "m": 60_000}
_CONDITIONS = (
    "said", "not_said", "said_again", "means", "mood", "score", "silence", "talk_over", "monologue", "hold",
    "talk_share", "slot", "all", "any", "not",
)  # fmt: skip
_LIMITS = {
    "within": ("not_said", "said_again", "talk_over"),
    "first": ("said",),
    "past": ("said",),
    "lasting": ("said", "said_again", "means"),
    "for": ("mood", "score"),
    "over": ("talk_share",),
    "is": ("slot",),
    "above": ("slot",),
    "below": ("slot",),
    "empty": ("slot",),
    "party": ("said", "not_said", "said_again", "means", "monologue"),
    "tolerance": ("said", "not_said", "said_again"),
}
"""Keys that mean something beside some conditions only."""
_OF_CARDS = ("kind", "say", "say_without", "body", "priority", "cooldown", "once", "exempt")
"""Keys that mean nothing for an alert: it is no card and asks for none of the agent's attention."""
FOLDERS = {
    "articles": ".md",
    "triggers": ".yaml",
    "slots": ".yaml",
    "playbooks": ".yaml",
    "lexicons": ".yaml",
    "calls": ".yaml",
    "tests": ".yaml",
}


class Spot(NamedTuple):
    """A place in the knowledge base: a path relative to its folder, and line and column from 1."""

    path: str
    line: int
    column: int


class Page(NamedTuple):
    """What is known of an article beside the rule that it became."""

    id: str
    tags: tuple[str, ...]
    language: str
    audience: str
    owner: str
    valid_from: date | None
    review_by: date | None


class Expected(NamedTuple):
    card: str
    line: int | None


class Trial(NamedTuple):
    """A scripted call and the cards and alerts that it must give."""

    id: str
    title: str
    script: Script
    expect: tuple[Expected, ...] | None
    never: tuple[str, ...]
    alerts: tuple[str, ...] | None = None
    ticked: tuple[str, ...] | None = None
    """Of each list that is named, the steps that are ticked in the end."""


class KnowledgeBase(NamedTuple):
    source: Source
    pages: tuple[Page, ...]
    calls: dict[str, Script]
    trials: tuple[Trial, ...]
    spots: dict[str, Spot]
    """Where each thing with an id stands. `<id>/<key>` names a key in it, `<id>:<phrase>` a phrase or a sentence, with
    `:again` after it where it stands there twice; `kb.yaml/<key>` a key of kb.yaml.
    """


def read(folder: Path) -> KnowledgeBase:
    """The whole folder, checked. Raises `PlaybookErrors` with everything that is wrong in it."""
    if not folder.is_dir():
        problem = "this is a file; name the folder that holds kb.yaml" if folder.exists() else "there is no such folder"
        raise PlaybookErrors((PlaybookError(str(folder), 0, 0, problem),))
    reader = _Reader(folder)
    knowledge = reader.read()
    if reader.errors:
        raise PlaybookErrors(tuple(sorted(reader.errors, key=lambda e: (e.path, e.line, e.column))))
    return knowledge


def load(folder: Path) -> Source:
    """The playbook of a folder as its authors mean it. Raises `PlaybookErrors`."""
    return read(folder).source


def compile_folder(folder: Path) -> Playbook:
    """The playbook of a folder, ready to fold calls with. Raises `PlaybookErrors`."""
    return compiled(load(folder))


def compiled(source: Source) -> Playbook:
    """A checked source, ready to fold calls with. Takes a while (the lexicon is read from its file)."""
    temper = replace(source.temper, risk=risk(source.language))
    return Playbook(replace(source, temper=temper), SentimentIntensityAnalyzer(), language(source.language))


def risk(code: str) -> Risk:
    """What comes with rtig about how calls end in a language: English only, and no weights of others."""
    table = files.model(f"risk.{code.partition('-')[0].lower()}.json")
    return msgspec.json.decode(table.read_bytes(), type=Risk) if table.is_file() else Risk()


def language(code: str) -> Language:
    """What comes with rtig about a language: English words and how rare they are; nothing yet of others."""
    table = files.model(f"words.{code.partition('-')[0].lower()}.txt")
    rarity: dict[str, float] = {}
    if table.is_file():
        for line in table.read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                nats, *said = line.split()
                rarity.update(dict.fromkeys(said, float(nats)))
    filtered = files.model(f"pairs.{code.partition('-')[0].lower()}.bin")
    return Language(code, rarity, Pairs(filtered.read_bytes()) if filtered.is_file() else None)


def shipped() -> Path:
    """The knowledge base that comes with rtig."""
    return files.knowledge_base()


def read_script(path: Path) -> Script:
    """One script from a file outside a knowledge base. Raises `PlaybookErrors`."""
    errors: list[PlaybookError] = []
    file = File(str(path), errors.append)
    text = _text(path, file)
    node = file.read(text) if text is not None else None
    script = file.shaped(node, written.Script) if node is not None else None
    performed = _script(file, node, script) if node is not None and script is not None else None
    if errors or performed is None:
        raise PlaybookErrors(tuple(errors))
    return performed


def schemas() -> dict[str, dict[str, object]]:
    """A JSON Schema for every kind of file, by its name, for editors that complete and check YAML."""
    made: dict[str, dict[str, object]] = {}
    for name, shape in written.FILES.items():
        schema = msgspec.json.schema(shape)
        made[name] = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": (shape.__doc__ or name).splitlines()[0],
            **schema,
        }
    return made


class _Reader:
    """One reading of one folder."""

    def __init__(self, folder: Path) -> None:
        self.errors: list[PlaybookError] = []
        self._folder = folder
        self._spots: dict[str, Spot] = {}
        self._rules: list[Rule] = []
        self._pages: list[Page] = []
        self._checklists: list[ChecklistSource] = []
        self._signals: list[SignalSource] = []
        self._slots: list[SlotSource] = []
        self._slot_names: set[str] = set(BUILT_IN)
        self._meanings: list[MeaningSource] = []
        self._valence: dict[str, float] = {}
        self._calls: dict[str, Script] = {}

    def read(self) -> KnowledgeBase:
        base = self._base()
        slot_files = list(self._shaped("slots", written.Slots))
        for file, node, slots in slot_files:
            for index, slot in enumerate(slots.slots):
                self._claim(file, node.at("slots", index), slot.id)
                self._slot_names.add(slot.id)
        for file, node, slots in slot_files:
            for index, slot in enumerate(slots.slots):
                self._slot(file, node.at("slots", index), slot)
        self._circles()
        for file, text in self._files("articles"):
            self._article(file, text)
        for file, node, triggers in self._shaped("triggers", written.Triggers):
            for index, trigger in enumerate(triggers.triggers):
                self._trigger(file, node.at("triggers", index), trigger)
            node.let_go()  # these files may be long
        for file, node, checklist in self._shaped("playbooks", written.Checklist):
            self._checklist(file, node, checklist)
        for file, node, lexicon in self._shaped("lexicons", written.Lexicon):
            self._lexicon(file, node, lexicon)
        for file, node, script in self._shaped("calls", written.Script):
            self._claim(file, node, script.id)
            performed = _script(file, node, script)
            if performed is not None:
                self._calls[script.id] = performed
        trials = [
            trial
            for file, node, shape in self._shaped("tests", written.Trial)
            if (trial := self._trial(file, node, shape)) is not None
        ]
        source = Source(
            name=base.name,
            language=base.language,
            attention=Attention(
                gap_ms=milliseconds(base.attention.gap),
                patience_ms=milliseconds(base.attention.patience),
                ttl_ms=milliseconds(base.attention.ttl),
                preempt=base.attention.preempt,
            ),
            temper=Temper(
                half_life_ms=milliseconds(base.mood.half_life),
                tense=base.mood.tense,
                frustrated=base.mood.frustrated,
                critical=base.mood.critical,
                hysteresis=base.mood.hysteresis,
            ),
            rules=tuple(self._rules),
            checklists=tuple(self._checklists),
            signals=tuple(self._signals),
            slots=tuple(self._slots),
            meanings=tuple(self._meanings_of_rules()),
            negatives=tuple(base.meaning.negatives or ()),
            false_alarms=base.meaning.false_alarms,
            valence=self._valence,
        )
        return KnowledgeBase(source, tuple(self._pages), self._calls, tuple(trials), self._spots)

    # --- files

    def _base(self) -> written.Base:
        fallback = written.Base(name="unnamed")
        path = self._folder / "kb.yaml"
        file = File("kb.yaml", self.errors.append)
        if not path.is_file():
            file.wrong((0, 0), "is missing", "A knowledge base has a kb.yaml with at least a `name`")
            return fallback
        text = _text(path, file)
        node = file.read(text) if text is not None else None
        base = file.shaped(node, written.Base) if node is not None else None
        if node is None or base is None:
            return fallback
        for group in ("attention", "mood", "meaning"):
            self._keys(file, node.at(group), "kb.yaml")
        mood = base.mood
        if not mood.tense < mood.frustrated < mood.critical:
            file.wrong(node.at("mood"), "the bands must rise: `tense` below `frustrated` below `critical`")
        if mood.hysteresis >= mood.tense:
            file.wrong(node.at("mood", "hysteresis"), "`hysteresis` must be smaller than `tense`, or nobody calms down")
        if milliseconds(mood.half_life) == 0:
            file.wrong(node.at("mood", "half_life"), "`half_life` must be longer than nothing")
        return base

    def _files(self, folder: str) -> Iterator[tuple[File, str]]:
        """The texts of a folder's files in the order of their paths."""
        suffix = FOLDERS[folder]
        found = (p for p in (self._folder / folder).rglob("*") if p.is_file())
        for path in sorted(found, key=lambda p: p.relative_to(self._folder).as_posix()):
            file = File(path.relative_to(self._folder).as_posix(), self.errors.append)
            if path.suffix == suffix:
                text = _text(path, file)
                if text is not None:
                    yield file, text
            elif path.suffix in (".md", ".yaml", ".yml", ".json") and not path.name.startswith("."):
                file.wrong((0, 0), f"this file would not be read: {folder}/ holds files that end in `{suffix}`")

    def _shaped(self, folder: str, shape: type[_T]) -> Iterator[tuple[File, Node, _T]]:
        for file, text in self._files(folder):
            node = file.read(text)
            if node is not None:
                value = file.shaped(node, shape)
                if value is not None:
                    yield file, node, value

    def _meanings_of_rules(self) -> Iterator[MeaningSource]:
        """An article's title says what it is about as well as a sentence does. What a slot waits for has no title."""
        rules = {rule.id: rule for rule in self._rules}
        slots = {slot.id for slot in self._slots}
        for meaning in self._meanings:
            rule = rules.get(meaning.rule)
            if rule is not None:
                title = (rule.title,) if meaning.competes else ()
                yield msgspec.structs.replace(meaning, examples=(*meaning.examples, *title), queues=rule.queues)
            elif meaning.rule in slots:
                yield meaning

    def _claim(self, file: File, node: Node, name: str) -> None:
        """Note where something with an id stands; two of one id are a mistake."""
        where = node.at("id")
        if name in self._spots:
            first = self._spots[name]
            file.wrong(
                where,
                f"the id `{name}` is taken",
                f"It is also in {first.path}:{first.line}:{first.column}; ids are unique",
            )
            return
        self._spots[name] = Spot(file.path, where.line, where.column)
        self._keys(file, node, name)

    def _keys(self, file: File, node: Node, owner: str) -> None:
        """Note where the values of something stand, of a list in lines of its own the key; of several, the first."""
        if isinstance(node.value, dict):
            for key, child in node.value.items():
                apart = isinstance(child.value, list | dict) and child.key is not None and child.line > child.key.line
                where = child.key if apart and child.key is not None else child
                self._spots.setdefault(f"{owner}/{key}", Spot(file.path, where.line, where.column))

    # --- what the files hold

    def _article(self, file: File, text: str) -> None:
        front, body, body_line = front_matter(file, text)
        if front is None:
            return
        node = file.read(front, first_line=2)
        article = file.shaped(node, written.Article) if node is not None else None
        if node is None or article is None:
            return
        self._claim(file, node, article.id)
        self._spots[f"{article.id}/body"] = Spot(file.path, body_line, 1)
        shown, steps = body_and_steps(file, body, body_line)
        triggers = article.triggers or []
        nodes = [node.at("triggers", index) for index in range(len(triggers))]
        clauses = [
            clause
            for place, trigger in zip(nodes, triggers, strict=True)
            if (clause := self._clause(file, place, trigger, article.id, competes=True)) is not None
        ]
        self._sayable(file, node, article.say, article.say_without)
        cooldown = _agreed(file, nodes, triggers, "cooldown")
        priority = _agreed(file, nodes, triggers, "priority")
        review_by = _date(file, node.at("review_by"), article.review_by)
        self._pages.append(
            Page(
                id=article.id,
                tags=tuple(article.tags or ()),
                language=article.language,
                audience=article.audience,
                owner=article.owner,
                valid_from=_date(file, node.at("valid_from"), article.valid_from),
                review_by=review_by,
            )
        )
        self._rules.append(
            Rule(
                id=article.id,
                kind="article",
                title=article.title,
                say=article.say,
                say_without=article.say_without,
                body=shown,
                steps=self._steps(file, steps, f"{article.id}/steps"),
                article=ArticleRef(
                    id=article.id,
                    version=hashlib.sha256(text.encode()).hexdigest()[:8],
                    review_by=article.review_by or "",
                ),
                clauses=tuple(clauses),
                priority=article.priority if priority is None else priority,
                cooldown_ms=ARTICLE_COOLDOWN_MS if cooldown is None else milliseconds(cooldown),
                once=bool(_agreed(file, nodes, triggers, "once")),
                exempt=bool(_agreed(file, nodes, triggers, "exempt")),
                queues=tuple(_agreed(file, nodes, triggers, "queues") or ()),
                teams=tuple(_agreed(file, nodes, triggers, "teams") or ()),
                channels=tuple(_agreed(file, nodes, triggers, "channels") or ()),
                draft=_agreed(file, nodes, triggers, "status") == "draft",
            )
        )

    def _trigger(self, file: File, node: Node, trigger: written.Trigger) -> None:
        self._claim(file, node, trigger.id)
        clause = self._clause(file, node, trigger, trigger.id)
        if clause is None:
            return
        self._sayable(file, node, trigger.say, trigger.say_without)
        if trigger.to == "supervisors":
            for key in _OF_CARDS:
                if isinstance(node.value, dict) and key in node.value:
                    file.wrong(
                        node.at(key).key or node,
                        f"`{key}` means nothing beside `to: supervisors`",
                        "An alert has a title and a condition; what the agent may say is a trigger of its own",
                    )
        rule = Rule(
            id=trigger.id,
            to=trigger.to,
            kind="alert" if trigger.to == "supervisors" else trigger.kind,
            title=trigger.title,
            say=trigger.say,
            say_without=trigger.say_without,
            body=html(trigger.body),
            clauses=(clause,),
            priority=50 if trigger.priority is None else trigger.priority,
            cooldown_ms=milliseconds(trigger.cooldown or "2m"),
            once=bool(trigger.once),
            exempt=bool(trigger.exempt),
            queues=tuple(trigger.queues or ()),
            teams=tuple(trigger.teams or ()),
            channels=tuple(trigger.channels or ()),
            draft=trigger.status == "draft",
        )
        self._rules.append(rule)

    def _clause(
        self, file: File, node: Node, trigger: written.Condition, owner: str, *, competes: bool = False
    ) -> Clause | None:
        condition = self._condition(file, node, trigger, owner, competes)
        for key in ("unless", "done"):
            self._phrases(file, node.at(key), getattr(trigger, key), owner)
        if condition is None:
            return None
        if isinstance(condition, Not):
            file.wrong(
                node.at("not").key or node, "`not` alone never calls for anything", "Put it beside others in `all`"
            )
        return Clause(condition, tuple(trigger.unless or ()), tuple(trigger.done or ()))

    def _condition(self, file: File, node: Node, part: written.Part, owner: str, competes: bool) -> Condition | None:
        """One condition, checked; None, reported, where it is none."""
        self._keys(file, node, owner)
        named = [name for name in _CONDITIONS if _given(part, name) is not None]
        if len(named) != 1 and not node.lost.intersection(_CONDITIONS):
            if named:
                both = " and ".join(f"`{name}`" for name in named)
                file.wrong(
                    node.at(named[1]).key or node,
                    f"{both} are two conditions",
                    "Give one, or join them with `all` or `any`",
                )
            else:
                file.wrong(node, "there is no condition", "Give one of " + ", ".join(f"`{c}`" for c in _CONDITIONS))
        for key in ("said", "not_said", "said_again"):
            self._phrases(file, node.at(key), getattr(part, key), owner)
        if len(named) != 1:
            return None
        name = named[0]
        for key, beside in _LIMITS.items():
            if _given(part, key) is not None and name not in beside:
                goes = " or ".join(f"`{b}`" for b in beside)
                file.wrong(node.at(key).key or node, f"`{key}` means nothing beside `{name}`", f"It goes with {goes}")
        needs = {"not_said": "within", "said_again": "within", "talk_over": "within", "talk_share": "over"}.get(name)
        if needs is not None and _given(part, needs) is None:
            if needs not in node.lost:
                file.wrong(node.at(name).key or node, f"`{name}` needs `{needs}`", "Say within which time, as in `45s`")
            return None
        if part.first and part.past and milliseconds(part.first) <= milliseconds(part.past):
            file.wrong(node.at("first"), "nothing lies within `first` and after `past`", "Make `first` the longer one")
        for key in ("silence", "monologue", "hold", "within", "first", "past", "lasting", "for", "over"):
            if _given(part, key) is not None and milliseconds(_given(part, key)) == 0:
                file.wrong(node.at(key), f"`{key}` must be longer than nothing")
        if name == "monologue" and part.party == "any":
            file.wrong(node.at("party"), "a monologue is the customer's or the agent's", "`party` is one of them")
            return None
        if name in ("all", "any"):
            inner = [
                self._condition(file, node.at(name, index), each, owner, competes)
                for index, each in enumerate(_given(part, name))
            ]
            found = tuple(condition for condition in inner if condition is not None)
            if len(found) < len(inner) or node.at(name).lost:
                return None
            return AllOf(found) if name == "all" else AnyOf(found)
        if name == "not":
            assert part.not_ is not None
            negated = self._condition(file, node.at("not"), part.not_, owner, competes)
            return None if negated is None else Not(negated)
        if name == "slot" and not self._slot_condition(file, node, part):
            return None
        if name == "means":
            return self._means(file, node.at("means"), part, owner, competes)
        return _leaf(part, name)

    def _slot_condition(self, file: File, node: Node, part: written.Part) -> bool:
        assert part.slot is not None
        if part.slot not in self._slot_names or part.slot in BUILT_IN.keys() - self._spots.keys():
            self._no_slot(file, node.at("slot"), part.slot)
            return False
        if part.empty and not (part.is_ is None and part.above is None and part.below is None):
            file.wrong(node.at("empty"), "an empty slot has no value to compare")
        if part.empty is False:
            file.wrong(node.at("empty"), "`empty` is `true` or left out", "A slot by itself waits until it is filled")
        return True

    def _means(self, file: File, node: Node, part: written.Part, owner: str, competes: bool) -> Means:
        examples = (part.means,) if isinstance(part.means, str) else tuple(part.means or ())
        for index, sentence in enumerate(examples):
            self._note(file, node.at(index), f"{owner}:{sentence}")
        number = sum(meaning.rule == owner for meaning in self._meanings)
        meaning = MeaningSource(
            id=owner if not number else f"{owner}/{number + 1}",
            rule=owner,
            examples=examples,
            party=part.party or "customer",
            competes=competes,
        )
        self._meanings.append(meaning)
        return Means(meaning.id, meaning.party, milliseconds(part.lasting) if part.lasting else None)

    def _sayable(self, file: File, node: Node, say: str, say_without: str) -> None:
        """A sentence may hold slots; one that may be empty needs other words for then."""
        known = slots_in(say)
        for name in sorted(known):
            if name not in self._slot_names - set(BUILT_IN) and name not in self._spots:
                self._no_slot(file, node.at("say"), name)
        bare = sorted(name for name, has_words in known.items() if not has_words)
        if bare and not say_without:
            file.wrong(
                node.at("say"),
                f"`{{{bare[0]}}}` may be empty, and nothing is said of what to say then",
                f"Give `say_without`, or words in its place, as in `{{{bare[0]}|there}}`",
            )
        for name in sorted(slots_in(say_without)):
            file.wrong(
                node.at("say_without"), f"`say_without` is for when a slot is empty, and holds `{{{name}}}` itself"
            )

    def _no_slot(self, file: File, where: Node, name: str) -> None:
        declared = ", ".join(f"`{known}`" for known in sorted(self._slot_names))
        file.wrong(where, f"there is no slot `{name}`", f"Declare it in slots/*.yaml; there are {declared}")

    def _slot(self, file: File, node: Node, slot: written.Slot) -> None:
        for key, kind in (("values", "list"), ("pattern", "pattern")):
            if getattr(slot, key) is None and slot.kind == kind and key not in node.lost:
                file.wrong(node, f"a slot of kind `{kind}` needs `{key}`")
            elif getattr(slot, key) is not None and slot.kind != kind:
                file.wrong(node.at(key).key or node, f"`{key}` means nothing for a slot of kind `{slot.kind}`")
        if slot.pattern is not None:
            try:
                regex.compile(slot.pattern, regex.IGNORECASE)
            except regex.error as error:
                file.wrong(node.at("pattern"), f"this is not a regular expression: {error}")
                return
        self._phrases(file, node.at("said"), slot.said, slot.id)
        for index, phrase in enumerate(slot.said or ()):
            if f"{{{slot.id}}}" not in phrase:
                file.wrong(
                    node.at("said", index),
                    f"this phrase captures nothing for `{slot.id}`",
                    f"Write `{{{slot.id}}}` where its value is said",
                )
        when = self._condition(file, node.at("when"), slot.when, slot.id, False) if slot.when is not None else None
        self._slots.append(
            SlotSource(
                id=slot.id,
                kind=slot.kind,
                values={value: tuple(ways) for value, ways in (slot.values or {}).items()},
                pattern=slot.pattern or "",
                said=tuple(slot.said or ()),
                party=slot.party,
                when=when,
            )
        )

    def _circles(self) -> None:
        """A slot that waits for itself is never filled."""
        waits_for = {
            slot.id: {part.slot for part in parts(slot.when) if isinstance(part, SlotIs)}
            if slot.when is not None
            else set()
            for slot in self._slots
        }
        for name in waits_for:
            reached = set(waits_for[name])
            while more := {other for one in reached for other in waits_for.get(one, ())} - reached:
                reached |= more
            if name in reached:
                spot = self._spots[name]
                self.errors.append(
                    PlaybookError(
                        spot.path, spot.line, spot.column, f"`{name}` waits for itself", "Take a slot out of its `when`"
                    )
                )

    def _checklist(self, file: File, node: Node, checklist: written.Checklist) -> None:
        self._claim(file, node, checklist.id)
        opening = checklist.when if isinstance(checklist.when, written.Opening) else None
        if opening is not None:
            self._phrases(file, node.at("when", "said"), opening.said, checklist.id)
        seen: dict[str, Node] = {}
        for index, step in enumerate(checklist.steps):
            where = node.at("steps", index, "id")
            if step.id in seen:
                file.wrong(where, f"two steps are called `{step.id}`", f"The first one is in line {seen[step.id].line}")
            seen.setdefault(step.id, where)
            self._phrases(file, node.at("steps", index, "said"), step.said, checklist.id)
        self._checklists.append(
            ChecklistSource(
                id=checklist.id,
                title=checklist.title,
                steps=tuple(StepSource(s.id, s.text, tuple(s.said), s.party) for s in checklist.steps),
                opened_by=tuple(opening.said) if opening is not None else (),
                party=opening.party if opening is not None else "customer",
            )
        )

    def _lexicon(self, file: File, node: Node, lexicon: written.Lexicon) -> None:
        for word, weight in lexicon.valence.items():
            where = node.at("valence", word)
            if word != word.lower() or len(word.split()) != 1:
                file.wrong(where.key or where, f"`{word}` is not one lower-case word", "Phrases belong under `signals`")
            elif word in self._valence and self._valence[word] != weight:
                first = self._spots[f"valence/{word}"]
                file.wrong(
                    where.key or where,
                    f"`{word}` weighs {self._valence[word]:g} elsewhere",
                    f"See {first.path}:{first.line}:{first.column}; a word has one weight",
                )
            self._valence.setdefault(word, weight)
            self._spots.setdefault(f"valence/{word}", Spot(file.path, where.line, where.column))
        for index, signal in enumerate(lexicon.signals or ()):
            self._claim(file, node.at("signals", index), signal.id)
            self._phrases(file, node.at("signals", index, "said"), signal.said, signal.id)
            self._signals.append(
                SignalSource(
                    Signal(id=signal.id, reason=signal.reason, weight=signal.weight, party=signal.party),
                    tuple(signal.said),
                )
            )

    def _trial(self, file: File, node: Node, trial: written.Trial) -> Trial | None:
        self._claim(file, node, trial.id)
        expects = ("expect", "alerts", "ticked", "never")
        if all(getattr(trial, key) is None for key in expects) and not node.lost.intersection(expects):
            file.wrong(node, "this test expects nothing", "Give it `expect`, `alerts`, `ticked` or `never`")
        script = self._trial_script(file, node, trial)
        if script is None:
            return None
        expect = None
        if trial.expect is not None:
            for index, expected in enumerate(trial.expect):
                if expected.line is not None and expected.line > len(script.lines):
                    where = node.at("expect", index, "line")
                    file.wrong(where, f"there is no line {expected.line}", f"The call has {len(script.lines)} lines")
            expect = tuple(Expected(e.card, e.line) for e in trial.expect)
        for index, card in enumerate(e.card for e in trial.expect or ()):
            where = node.at("expect", index, "card")
            self._spots[f"{trial.id}/expect/{card}"] = Spot(file.path, where.line, where.column)
        for index, alert in enumerate(trial.alerts or ()):
            where = node.at("alerts", index)
            self._spots[f"{trial.id}/alerts/{alert}"] = Spot(file.path, where.line, where.column)
        for index, step in enumerate(trial.ticked or ()):
            where = node.at("ticked", index)
            self._spots[f"{trial.id}/ticked/{step}"] = Spot(file.path, where.line, where.column)
        for index, card in enumerate(trial.never or ()):
            where = node.at("never", index)
            self._spots[f"{trial.id}/never/{card}"] = Spot(file.path, where.line, where.column)
        alerts, ticked = (None if named is None else tuple(named) for named in (trial.alerts, trial.ticked))
        return Trial(trial.id, trial.title, script, expect, tuple(trial.never or ()), alerts, ticked)

    def _trial_script(self, file: File, node: Node, trial: written.Trial) -> Script | None:
        if trial.lines is None:
            if trial.call is None:
                if not node.lost.intersection(("lines", "call")):
                    file.wrong(node, "this test has no lines", "Give it `lines`, or name a sample call with `call`")
                return None
            if trial.call not in self._calls and f"{trial.call}/lines" not in self._spots:
                file.wrong(node.at("call"), f"there is no sample call `{trial.call}`", "`call` names an id in calls/")
            return self._calls.get(trial.call)
        if trial.call is not None:
            file.wrong(node.at("call"), "`call` and `lines` are two calls", "A test plays one of them")
            return None
        script = written.Script(
            id=trial.id,
            title=trial.title,
            channel=trial.channel,
            queue=trial.queue,
            agent=trial.agent,
            customer=trial.customer,
            seed=trial.seed,
            lines=trial.lines,
        )
        return _script(file, node, script)

    def _steps(self, file: File, steps: Sequence[WrittenStep], owner: str) -> tuple[StepSource, ...]:
        found = []
        for number, step in enumerate(steps, 1):
            said = tuple(step.said.plain())
            self._phrases(file, step.said, said, owner)
            found.append(StepSource(str(number), step.text, said))
        return tuple(found)

    def _phrases(self, file: File, node: Node, phrases: Iterable[str] | None, owner: str) -> None:
        for index, phrase in enumerate(phrases or ()):
            where = node.at(index)
            self._note(file, where, f"{owner}:{phrase}")
            try:
                unknown = sorted(slots_of(parse(phrase)) - self._slot_names)
            except PhraseError as error:
                column = where.column if where.offset is None else where.offset + error.column - 1
                file.wrong((where.line, column), error.problem)
            else:
                for name in unknown:
                    self._no_slot(file, where, name)

    def _note(self, file: File, where: Node, name: str) -> None:
        """Note where something stands that may stand twice."""
        spot = Spot(file.path, where.line, where.column)
        if self._spots.setdefault(name, spot) != spot:
            self._spots.setdefault(f"{name}:again", spot)


def milliseconds(duration: str) -> int:
    """A duration as it is written, such as `20s`."""
    found = re.fullmatch(r"(\d+)(ms|s|m)", duration)
    assert found is not None, duration
    return int(found.group(1)) * _UNITS[found.group(2)]


def _given(part: written.Part, key: str) -> Any:
    """What is written under a key; some are Python's own words."""
    return getattr(part, f"{key}_" if key in ("for", "is", "not") else key)


def _leaf(part: written.Part, name: str) -> Condition:
    tolerance = part.tolerance or "asr"
    for_ms = milliseconds(part.for_) if part.for_ else 0
    match name:
        case "said":
            return Said(
                tuple(part.said or ()),
                part.party or "customer",
                milliseconds(part.first) if part.first else None,
                milliseconds(part.past) if part.past else None,
                milliseconds(part.lasting) if part.lasting else None,
                tolerance,
            )
        case "not_said":
            return NotSaid(
                tuple(part.not_said or ()), milliseconds(part.within or ""), part.party or "agent", tolerance
            )
        case "said_again":
            return SaidAgain(
                tuple(part.said_again or ()),
                milliseconds(part.within or ""),
                part.party or "agent",
                milliseconds(part.lasting) if part.lasting else None,
                tolerance,
            )
        case "mood":
            assert part.mood is not None
            return MoodAt(part.mood, for_ms)
        case "score":
            return ScoreAt(part.score or 0.0, for_ms)
        case "silence":
            return Silence(milliseconds(part.silence or ""))
        case "talk_over":
            return TalkOver(part.talk_over or 1, milliseconds(part.within or ""))
        case "hold":
            return OnHold(milliseconds(part.hold or ""))
        case "talk_share":
            return TalkShare(part.talk_share or 0.0, milliseconds(part.over or ""))
        case "slot":
            wanted = (part.is_,) if isinstance(part.is_, str) else tuple(part.is_ or ())
            return SlotIs(part.slot or "", wanted, bool(part.empty), part.above, part.below)
        case _:
            party = part.party if part.party is not None and part.party != "any" else "agent"
            return Monologue(milliseconds(part.monologue or ""), party)


def _agreed(file: File, nodes: list[Node], triggers: list[written.Condition], key: str) -> Any:
    """What an article's triggers say of their one card: those that say it must agree."""
    value = None
    for node, trigger in zip(nodes, triggers, strict=True):
        said = getattr(trigger, key)
        if said is not None:
            if value is not None and said != value:
                file.wrong(node.at(key), f"`{key}` is said otherwise by another trigger", "An article is one card")
            value = said if value is None else value
    return value


def _script(file: File, node: Node, script: written.Script) -> Script | None:
    """A written script as it can be performed; None, reported, where a line is none."""
    lines: list[Line | Pause] = []
    fine = True
    seconds = 0.0
    for index, line in enumerate(script.lines):
        where = node.at("lines", index)
        kinds = [name for name in ("agent", "customer", "noise", "silence") if getattr(line, name) is not None]
        if len(kinds) != 1:
            fine = False
            if not where.lost:
                what = " and ".join(f"`{k}`" for k in kinds) + " in one line" if kinds else "nobody speaks in this line"
                file.wrong(where, what, "A line has one of `agent`, `customer`, `noise` and `silence`")
            continue
        if line.silence is not None:
            seconds += line.silence
            if line.pause is not None or not line.final:
                file.wrong(where, "a silence has no `pause` and no `final`")
            lines.append(Pause(line.silence))
            continue
        text = line.agent or line.customer or line.noise or ""
        if not text.strip():
            fine = False
            file.wrong(where, "this line has no words")
        seconds += max(line.pause or 0.0, 0.0) + len(text.split()) / 3
        party: Party = "agent" if line.agent else "customer" if line.customer else "unknown"
        lines.append(Line(party, text, line.pause, line.final))
    if seconds > LONGEST_SCRIPT_S:
        fine = False
        file.wrong(node.at("lines"), "this call would last longer than four hours")
    if not fine or node.at("lines").lost:
        return None
    return Script(
        id=script.id,
        title=script.title,
        channel=script.channel,
        queue=script.queue,
        agent=script.agent,
        customer=script.customer,
        seed=script.seed,
        lines=tuple(lines),
    )


def _text(path: Path, file: File) -> str | None:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        file.wrong((line, column), "this is not UTF-8", "Save the file as UTF-8")
        return None


def _date(file: File, node: Node, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        file.wrong(node, f"there is no day `{text}`")
        return None
