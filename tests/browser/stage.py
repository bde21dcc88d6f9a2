"""A real server, real calls and a real Chromium, for tests that look at the pages as people do.

`House` serves a small knowledge base to two tenants and can be closed and opened again on the same port. A `Phone`
carries one call into it, over the same socket as any recogniser. `Screens` opens pages and notes what none may do: log
an error, run into the content policy, or ask another origin for anything.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, expect
from ports import free_port

from rtig import knowledge
from rtig.app import Server, running
from rtig.client import Source
from rtig.config import Settings
from rtig.core.events import AnyEvent, CallEnded, CallStarted, Party, SegmentHeard, UtteranceRead
from rtig.core.playbook import Playbook
from rtig.core.utterances import key_of
from rtig.eventlog.memory import MemoryLog
from rtig.eventlog.port import CallKey, Recorded
from rtig.gateway.doors import digest_of
from rtig.wire.session import ROLES

ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PATIENCE_SECONDS = 25.0
"""How long anything may take to appear, on a machine that is busy with other things."""
TENANTS = ("acme", "zenith")
OPERATORS_KEY = "operators-key"
REPOSITORY = Path(__file__).parents[2]
AXE = REPOSITORY / "web/node_modules/axe-core/axe.min.js"

KNOWLEDGE = {
    "kb.yaml": "name: Browser\nattention:\n  gap: 3s\n  patience: 20s\n  ttl: 90s\n",
    "articles/bill.md": """---
id: doubled-bill
title: Why a bill is higher than expected
say: Let me look at what changed since your last bill, line by line.
review_by: 2999-01-31
triggers:
  - said: [bill has doubled]
    unless: [joking about it]
---
An ended discount is the *usual* cause.

## Steps

1. Open the last two bills side by side.
2. Look for an ended discount.
   - said: discount has ended
""",
    "articles/router.md": "---\nid: router-lights\ntitle: What the lights of the router mean\n"
    "say: Which of the lights on your router are on?\ntriggers:\n  - said: [lights are red]\n---\nRed means no line.\n",
    "articles/moving.md": "---\nid: moving-home\ntitle: Moving home\nsay: When is the big day?\n"
    "triggers:\n  - said: [moving house]\n---\nTen working days.\n",
    "articles/card.md": "---\nid: paid-twice\ntitle: Paid twice\nsay: I can see both payments.\n"
    "triggers:\n  - said: [paid it twice]\n---\nRefund the later one.\n",
    "articles/leaving.md": "---\nid: cancel-contract\ntitle: Cancelling a contract\nsay: What made you think of it?\n"
    "triggers:\n  - said: [cancel my contract]\n---\nAsk before offering.\n",
    "triggers/alerts.yaml": """triggers:
  - id: no-promises
    title: Promise nothing that others must keep
    kind: alert
    say: I will find out and ring you back today.
    said: [promise you a refund]
    party: agent
    exempt: true
""",
    "playbooks/closing.yaml": "id: closing\ntitle: Closing\nsteps:\n"
    "  - {id: bye, text: Say goodbye, said: [have a nice day]}\n",
    "playbooks/opening.yaml": "id: opening\ntitle: Opening\nsteps:\n"
    "  - {id: greet, text: Greet, said: [thanks for calling]}\n"
    "  - {id: ask, text: Ask what it is about, said: [how can I help]}\n",
    "lexicons/service.yaml": """signals:
  - id: repeated-contact
    reason: has been in touch before
    weight: 0.3
    said: [third time I call]
  - id: wasted-time
    reason: feels their time is wasted
    weight: 0.35
    said: [took a day off]
  - id: last-straw
    reason: has had enough
    weight: 0.6
    said: [had enough of this]
""",
}


def key(tenant: str, role: str) -> str:
    """The key that opens a page."""
    return f"{tenant}-{role}-key"


def tokens(tenant: str) -> list[str]:
    """Lines of a tokens file: what the server knows of a tenant's keys."""
    return [f"[{tenant}]", *(f'{role} = "{digest_of(key(tenant, role)).hex()}"' for role in ROLES)]


def playbook(folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Playbook:
    """The knowledge base of these tests and more files, written into a folder and compiled."""
    for name, text in {**KNOWLEDGE, **more}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return knowledge.compile_folder(folder)


def chromium(playwright: Playwright) -> str | None:
    """Where a Chromium is: the system's, else Playwright's own, else None."""
    for name in ("chromium", "google-chrome"):
        if (found := shutil.which(name)) is not None:
            return found
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def missing_matters() -> bool:
    """Whether a run without a browser is a failure: where changes are judged, it is."""
    return bool(os.environ.get("CI"))


E = TypeVar("E")


class Logbook:
    """What has come into the log, in its order."""

    def __init__(self) -> None:
        self.events: list[AnyEvent] = []
        self._came = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def keep(self, _: CallKey, recorded: Recorded) -> None:
        self.events.append(recorded.event)
        task = asyncio.ensure_future(self._tell())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def first(self, kind: type[E], such: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of a kind that fits, as soon as it is there."""

        def found() -> E | None:
            return next((event for event in self.events if isinstance(event, kind) and such(event)), None)

        async with self._came, asyncio.timeout(PATIENCE_SECONDS):
            await self._came.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None
        return event

    async def _tell(self) -> None:
        async with self._came:
            self._came.notify_all()


class House:
    """The server. `open` and `close` may be called again and again; the log and the port stay.

    Without a model, whose start would take as long as a test, unless `meaning` is `auto`. `more` are other settings.
    """

    def __init__(self, playbook: Playbook, folder: Path, meaning: Literal["auto", "off"] = "off", **more: Any) -> None:
        self._more = more
        self.logbook = Logbook()
        self._playbook = playbook
        self._meaning = meaning
        self._tokens = folder / "tokens.toml"
        self._tokens.write_text("\n".join(line for tenant in TENANTS for line in tokens(tenant)), "utf-8")
        self._log = MemoryLog()
        self._port = free_port()
        self._server: Server | None = None
        self._running = AsyncExitStack()
        self._lines = AsyncExitStack()
        self._sources: dict[str, Source] = {}

    @property
    def url(self) -> str:
        assert self._server is not None
        return self._server.url

    async def open(self) -> None:
        given: dict[str, Any] = {
            "port": self._port, "log": "memory", "tokens_file": self._tokens, "meaning": self._meaning,
            "operator_token": OPERATORS_KEY, **self._more,
        }  # fmt: skip
        self._log.follow(None, self.logbook.keep)
        self._server = await self._running.enter_async_context(
            running(Settings(**given), self._playbook, log=self._log)
        )

    def reads(self, call_id: str, text: str, scores: dict[str, float]) -> None:
        """A model has read what the customer said: how likely it calls for each of some rules."""
        assert self._server is not None
        meanings = {meaning.rule: meaning.id for meaning in self._playbook.meanings.values()}
        reading = UtteranceRead(
            call_id=call_id,
            utterance=key_of("customer", text),
            meanings=self._playbook.meanings_version,
            scores={meanings[rule]: score for rule, score in scores.items()},
        )
        self._server.live.accept(CallKey("acme", call_id), reading)

    async def erase(self, call: CallKey) -> None:
        assert self._server is not None
        await self._server.desk.erase(call)

    def kill_the_model(self) -> None:
        """End the process with the models as the kernel does that is short of memory."""
        assert self._server is not None
        assert self._server.lane is not None
        assert self._server.lane.pid is not None
        os.kill(self._server.lane.pid, signal.SIGKILL)

    async def close(self) -> None:
        await self._running.aclose()
        await self._log.close()
        self._log = self._log.reopen()

    async def leave(self) -> None:
        await self._lines.aclose()
        await self._running.aclose()
        await self._log.close()

    async def phone(
        self, call_id: str, *, agent: str = "desk-1", queue: str = "billing", customer: str = "", tenant: str = "acme"
    ) -> "Phone":
        """A call that has begun. A source outlives a closed house and goes on when it is open again."""
        assert self._server is not None
        if tenant not in self._sources:
            source = Source(
                self._server.socket_url, key(tenant, "source"), "recogniser", first_delay=0.05, longest_delay=0.2
            )
            self._sources[tenant] = await self._lines.enter_async_context(source)
        phone = Phone(self._sources[tenant], call_id)
        await phone.begin(agent, queue, customer or f"account-of-{call_id}")
        return phone


class Phone:
    """One call. What is said takes as long on the call's clock as its words would take, and no time in the test."""

    def __init__(self, source: Source, call_id: str) -> None:
        self.call_id = call_id
        self.now_ms = 0
        self._source = source
        self._segments = 0
        self._revs: dict[str, int] = {}

    async def begin(self, agent: str, queue: str, customer: str) -> None:
        await self._source.send(CallStarted(call_id=self.call_id, agent=agent, queue=queue, customer=customer))
        await self._source.drained()

    async def says(self, party: Party, text: str, *, later: float = 0.0) -> str:
        """A settled sentence, `later` seconds after the one before; the name of its segment."""
        self.now_ms += round(later * 1000)
        self._segments += 1
        name = f"s{self._segments}"
        await self._hear(name, party, text, final=True)
        return name

    async def is_saying(self, party: Party, text: str, name: str = "") -> str:
        """Words that may still change; with a name, in the place of those that it had."""
        if not name:
            self._segments += 1
            name = f"s{self._segments}"
        await self._hear(name, party, text, final=False)
        return name

    async def said(self, name: str, party: Party, text: str) -> None:
        """The settled words of a sentence that `is_saying` began."""
        await self._hear(name, party, text, final=True)

    async def ends(self) -> None:
        await self._source.send(CallEnded(call_id=self.call_id, at_ms=self.now_ms))
        await self._source.drained()

    async def _hear(self, name: str, party: Party, text: str, *, final: bool) -> None:
        self._revs[name] = rev = self._revs.get(name, 0) + 1
        start = self.now_ms
        end = start + 250 * len(text.split())
        if final:
            self.now_ms = end
        await self._source.send(
            SegmentHeard(
                call_id=self.call_id,
                segment_id=name,
                rev=rev,
                party=party,
                text=text,
                final=final,
                start_ms=start,
                end_ms=end,
            )
        )
        await self._source.drained()


NOTES = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Screens:
    """Pages, each in a browser profile of its own."""

    def __init__(self, browser: Browser, house: House, also: tuple[str, ...] = ()) -> None:
        """`also`: other servers that pages may ask."""
        self._also = also
        self.complaints: list[str] = []
        self._browser = browser
        self._house = house
        self._contexts: list[BrowserContext] = []
        self._forgiven: tuple[str, ...] = ()

    async def agent(self, name: str = "desk-1", tenant: str = "acme", **options: Any) -> Page:
        page = await self.blank(**options)
        await page.goto(f"{self._house.url}/agent#key={key(tenant, 'agent')}&agent={name}")
        await expect(page.get_by_test_id("connected")).to_have_text(f"Connected · {name}")
        return page

    async def board(self, tenant: str = "acme", **options: Any) -> Page:
        page = await self.blank(**options)
        await page.goto(f"{self._house.url}/board#key={key(tenant, 'supervisor')}")
        await expect(page.get_by_test_id("connected")).to_have_text("Connected")
        return page

    async def author(self, view: str = "state", tenant: str = "acme", **options: Any) -> Page:
        page = await self.blank(**({"width": 1440} | options))
        await page.goto(f"{self._house.url}/author#key={key(tenant, 'author')}&view={view}")
        await expect(page.get_by_test_id("connected")).to_have_text("Connected")
        return page

    async def blank(
        self,
        *,
        width: int = 400,
        height: int = 860,
        permissions: Iterable[str] = (),
        clock: bool = False,
    ) -> Page:
        """`clock`: the page's time can be set by `page.clock`; until then it passes as usual."""
        context = await self._browser.new_context(
            viewport={"width": width, "height": height}, permissions=[*permissions], reduced_motion="reduce"
        )
        self._contexts.append(context)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        await context.add_init_script(NOTES)
        context.on("request", self._asked)
        if clock:
            await context.clock.install()
        page = await context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("websocket", lambda socket: self._went(socket.url.replace("ws", "http", 1)))
        return page

    @contextmanager
    def forgive(self, *words: str) -> Iterator[None]:
        """While this lasts, the browser may log errors that contain one of these words."""
        self._forgiven = words
        yield
        self._forgiven = ()

    async def leave(self) -> None:
        for context in self._contexts:
            await context.close()
        assert not self.complaints

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in self._forgiven):
            self.complaints.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        self._went(request.url)

    def _went(self, url: str) -> None:
        servers = (f"{server}/" for server in (self._house.url, *self._also))
        if not url.startswith((*servers, "data:", "about:")):
            self.complaints.append(f"asked {url}")
