// The agent's sidebar: the call at the top, the card that matters below it, the transcript at the foot.

import { css, html, nothing, type PropertyValues } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { Call } from "./call";
import { briefText, MOST_CHARACTERS } from "./brief";
import { Announcer, Deck, type Entry } from "./deck";
import { Desk } from "./desk";
import { Histories } from "./history";
import { Marks } from "./marks";
import { freshId, Outbox } from "./outbox";
import { Embeddable } from "./outside";
import type { Card, Find, ServerMessage, Whisper } from "./protocol";
import { comesThrough, keepMode, keptMode, type Mode, nextMode } from "./quiet";
import { type Act, keyOf } from "./shortcuts";
import { session } from "./storage";
import type { Answered, CardView } from "./ui/card";
import { deepFocus } from "./ui/copying";
import type { HandoverAct } from "./ui/handover";
import type { HelpAct } from "./ui/help";
import { Entrance } from "./ui/entrance";
import { Keyboard } from "./ui/keyboard";
import type { KeysView, SwitchKeys } from "./ui/keys";
import type { MoodView } from "./ui/mood";
import type { SetMode } from "./ui/quiet";
import type { Seek } from "./ui/quotes";
import type { SearchBox } from "./ui/search";
import { bandShape } from "./ui/shapes";
import { base, tokens } from "./ui/styles";
import type { TranscriptView } from "./ui/transcript";
import { BAND_WORD, clockWords, codeWords, MODE_WORD } from "./words";
import "./ui/brief";
import "./ui/card";
import "./ui/checklists";
import "./ui/handover";
import "./ui/help";
import "./ui/history";
import "./ui/keys";
import "./ui/mood";
import "./ui/quiet";
import "./ui/search";
import "./ui/transcript";

const TICK_MS = 500;
/** After the last movement or key among the cards, the hand counts as gone. */
const HAND_MS = 1_500;
/** How long what came of a key stands in its live region. */
const DONE_MS = 3_000;
/** For so long the page waits to be drawn at once, with its call and cards, rather than piece by piece. */
const TOGETHER_MS = 700;

@customElement("rtig-sidebar")
export class Sidebar extends Embeddable {
  @state() private transcriptOpen = true;
  @state() private announced = "";
  @query(".deck") private deckList!: HTMLElement | null;
  @query("main") private main!: HTMLElement | null;
  @query("rtig-transcript") private transcript!: TranscriptView | null;
  @query("rtig-search") private search!: SearchBox | null;
  @query("rtig-mood") private mood!: MoodView | null;
  @query("rtig-keys") private list!: KeysView | null;

  #entrance = new Entrance(this, "agent");
  #desk = this.#freshDesk();
  #outbox = new Outbox((message) => this.#entrance.connection.send(message));
  #histories = new Histories((message) => this.#entrance.connection.send(message));
  #marks = new Marks(session);
  #keyboard = new Keyboard(this);
  #mode = keptMode(session);
  #decks = new Map<string, Deck>();
  #announcer = new Announcer();
  /** Of the calls whose brief the reader has opened or closed. */
  #briefOpen = new Map<string, boolean>();
  /** Ids of entries that were announced or were there when the call came on screen. */
  #told = new Map<string, Set<string>>();
  #handAt = Number.NEGATIVE_INFINITY;
  /** What came of the last key, and since when it has been said. */
  #done = "";
  #doneAt = 0;
  /** What had the focus when the search box took it, and what has it among the cards. */
  #beforeSearch: HTMLElement | null = null;
  #inDeck: HTMLElement | null = null;
  #ticker = 0;
  #comingSince: number | null = null;
  /** A first frame with a call was painted: what nobody reads first may follow. */
  #drawn = false;

  constructor() {
    super();
    // A call that is over is not followed any more: its brief tells what has become of it.
    this.#outbox.onTaken = (deed) => deed.type === "send_handover" && this.#askBrief(deed.call_id);
    this.#outbox.onRefused = (_, code, message) => this.#entrance.say(codeWords(code, message));
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticker);
  }

  welcomed(): void {
    this.#desk.resume();
    this.#outbox.resume();
  }

  told(message: ServerMessage): void {
    if (this.#outbox.take(message)) return;
    if (message.type === "found") {
      this.search?.take(message);
      return;
    }
    this.#desk.take(message, Date.now());
    this.#histories.take(message);
    if (message.type === "caught_up") {
      this.#askBriefOfTheEnded(message.call_id);
      this.#histories.ask(message.call_id);
    }
    if (message.type === "guidance" && message.items.some((item) => item.type === "handover")) {
      if (!this.#outbox.leaves(message.call_id)) this.#askBrief(message.call_id);
    }
    if (message.type === "brief" && message.brief.state === "ended" && this.#mode === "all") {
      this.#announcer.add("The brief of the call");
    }
    if (message.type === "error" && message.code !== "unknown_call") {
      this.#entrance.say(codeWords(message.code, message.message));
    }
    if (message.type === "guidance" && message.items.some((item) => item.type === "card")) this.#painted(message);
  }

  left(): void {
    this.#desk = this.#freshDesk();
    this.#histories.keep([]);
    this.#decks.clear();
    this.#told.clear();
    this.#briefOpen.clear();
    // Whoever comes next at this desk would not know why nothing comes.
    this.#setMode("all");
  }

  /** A page that opens, or a call's past, comes in many pieces: to draw each costs a slow machine most of a second. */
  override shouldUpdate(): boolean {
    const now = performance.now();
    this.#comingSince = this.#coming() ? (this.#comingSince ?? now) : null;
    return this.#comingSince === null || now - this.#comingSince > TOGETHER_MS;
  }

  #coming(): boolean {
    const { current, announced } = this.#desk;
    const { phase } = this.#entrance.connection.status;
    if (phase === "live") return current ? !current.caughtUp && !current.gone : !announced;
    return phase === "connecting" && !current;
  }

  override willUpdate(): void {
    for (const id of this.#decks.keys()) if (!this.#desk.calls.some((call) => call.id === id)) this.#decks.delete(id);
    this.#histories.keep(this.#desk.calls.map((call) => call.id));
    for (const id of this.#told.keys()) if (!this.#decks.has(id)) this.#told.delete(id);
    const call = this.#desk.current;
    // While the past is being told, cards come and go that have long been settled.
    if (!call?.caughtUp) return;
    this.#desk.look();
    const now = performance.now();
    const entries = this.#entries(call);
    const deck = this.#deckOf(call);
    deck.arrange(entries, now, now - this.#handAt < HAND_MS);
    this.#announce(call, deck, entries);
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    // What had the focus has left: the list takes it, so that a keyboard does not start over at the top of the page.
    const left = this.#inDeck && !this.#inDeck.checkVisibility({ visibilityProperty: true });
    if (left && document.activeElement === document.body) this.deckList?.focus({ preventScroll: true });
    this.#inDeck = this.deckList?.matches(":focus-within") ? deepFocus(this.shadowRoot) : null;
    if (!this.#drawn && this.#desk.current) this.#drawRest();
  }

  /** Behind the first frame with a call, in a task of its own. */
  #drawRest(): void {
    requestAnimationFrame(() =>
      setTimeout(() => {
        this.#drawn = true;
        this.requestUpdate();
      }),
    );
  }

  override render() {
    const form = this.#entrance.form("Guidance for agents");
    if (form) return form;
    const call = this.#desk.current;
    return html`<div
      class="page ${call ? "" : "idle"}"
      @rtig-seek=${this.#seek}
      @rtig-switch-keys=${(event: SwitchKeys) => this.#keyboard.switch(event.on)}
      @rtig-set-mode=${(event: SetMode) => this.#setMode(event.mode)}
    >
      ${call ? this.#call(call) : this.#empty()} ${this.#entrance.strip(call?.info?.agent || this.#entrance.agent)}
      <div class="unseen" role="status" aria-live="polite" data-testid="announcer">${this.announced}</div>
      <div class="unseen" role="status" aria-live="polite" data-testid="done">${this.#done}</div>
    </div>`;
  }

  #empty() {
    const { phase } = this.#entrance.connection.status;
    // The strip says why, and what can be done.
    const [heading, words] =
      phase === "live"
        ? ["No call right now", "Your next call appears here by itself."]
        : ["Not connected", phase === "stopped" ? "Calls do not appear here." : "Waiting for the server."];
    return html`<main class="empty" data-testid="empty">
      <div class="tools">${this.#tools(0)}</div>
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <path d="M8 25v-2a16 16 0 0 1 32 0v2" />
        <rect x="5" y="25" width="8" height="12" rx="3" />
        <rect x="35" y="25" width="8" height="12" rx="3" />
        <path d="M39 37v1a5 5 0 0 1-5 5h-7" />
      </svg>
      <h1>${heading}</h1>
      <p class="muted">${words}</p>
    </main>`;
  }

  #call(call: Call) {
    const now = Date.now();
    const { info } = call;
    const title = info?.customer || info?.queue || "Call";
    const facts = [info?.customer ? info.queue : "", info ? (info.channel === "chat" ? "Chat" : "Voice") : ""];
    return html`<header>
        ${this.#desk.calls.length > 1 ? this.#switcher(now) : nothing}
        <div class="about">
          <div class="who">
            <h1 class="clip" dir="auto" title=${call.id} data-testid="call-title">${title}</h1>
            <button
              type="button"
              class="bare brief"
              aria-expanded=${this.#showsBrief(call)}
              aria-keyshortcuts=${this.#key("brief")}
              data-testid="brief-toggle"
              @click=${() => this.#toggleBrief(call)}
            >
              Brief
            </button>
            ${
              call.ended
                ? html`<span class="ended" data-testid="call-ended">Ended</span>`
                : html`<span class="numbers clock" role="timer" aria-label="Duration" data-testid="call-clock"
                    >${clockWords(call.clock(now))}</span
                  >`
            }
          </div>
          <div class="facts">
            <p class="muted small clip">
              ${[...facts, info?.agent, call.ended ? clockWords(call.clock(now)) : ""].filter(Boolean).join(" · ")}
            </p>
            ${
              call.ended
                ? nothing
                : keyed(
                    call.id,
                    html`<rtig-help
                      .call=${call}
                      .now=${now}
                      .unsent=${this.#outbox.help(call.id)}
                      @rtig-help=${this.#say}
                    ></rtig-help>`,
                  )
            }
          </div>
        </div>
        <rtig-mood .mood=${call.mood} .hints=${[...call.hints.values()]}></rtig-mood>
      </header>
      <main>
        ${this.#find(call)}
        ${
          this.#histories.of(call.id)?.contacts.length
            ? keyed(
                call.id,
                html`<rtig-history
                  .histories=${this.#histories}
                  .callId=${call.id}
                  .now=${now}
                  .crowded=${call.ended || this.#deckOf(call).slots.length > 0}
                ></rtig-history>`,
              )
            : nothing
        }
        ${
          this.#showsBrief(call)
            ? html`<rtig-brief
                class=${call.ended ? "" : "amid"}
                .brief=${call.brief}
                .live=${!call.ended}
                .editable=${call.draft === null}
                @rtig-update=${() => this.#askBrief(call.id)}
                @rtig-edit=${() => this.#write(call)}
                @rtig-written=${() => this.requestUpdate()}
                ><rtig-handover
                  .call=${call}
                  .now=${now}
                  .sending=${this.#outbox.leaves(call.id)}
                  @rtig-handover=${this.#say}
                ></rtig-handover
              ></rtig-brief>`
            : nothing
        }
        ${this.#guidance(call)}
        ${this.#drawn ? html`<rtig-checklists .lists=${[...call.checklists.values()]}></rtig-checklists>` : nothing}
      </main>
      <section class="heard ${this.transcriptOpen ? "" : "folded"}" aria-label="Transcript">
        <h2>
          <button
            type="button"
            class="bare"
            aria-expanded=${this.transcriptOpen}
            aria-keyshortcuts=${this.#key("transcript")}
            data-testid="transcript-toggle"
            @click=${() => (this.transcriptOpen = !this.transcriptOpen)}
          >
            <span aria-hidden="true">${this.transcriptOpen ? "▾" : "▸"}</span> Transcript
          </button>
        </h2>
        ${
          this.transcriptOpen && this.#drawn
            ? html`<rtig-transcript .call=${call} .version=${call.version}></rtig-transcript>`
            : nothing
        }
      </section>`;
  }

  /** What the agent reaches for. Always in sight, so that nobody wonders why no card comes. */
  #find(call: Call) {
    const deck = this.#deckOf(call);
    const waiting = deck.waiting.map((id) => this.#title(call, id)).find(Boolean);
    return html`<div class="tools">
      ${keyed(call.id, html`<rtig-search .ask=${this.#ask} .keys=${this.#keyboard.on}></rtig-search>`)}
      ${
        waiting
          ? html`<button type="button" class="waiting clip" dir="auto" data-testid="waiting" @click=${this.#release}>
              ↑ ${waiting}
            </button>`
          : nothing
      }
      ${this.#tools(deck.hushed)}
    </div>`;
  }

  #tools(held: number) {
    const { on } = this.#keyboard;
    return html`<rtig-quiet .mode=${this.#mode} .held=${held} .keys=${on}></rtig-quiet>
      <rtig-keys .on=${on}></rtig-keys>`;
  }

  #switcher(now: number) {
    return html`<nav aria-label="Your calls" data-testid="switcher">
      ${this.#desk.calls.map((call) => {
        const fresh = this.#desk.unseen(call, (card) => this.#comes(call, card));
        const band = call.mood?.band ?? "calm";
        return html`<button
          type="button"
          aria-current=${call === this.#desk.current}
          class=${band}
          data-call-id=${call.id}
          @click=${() => this.#show(call)}
        >
          <span class="tint">${bandShape(band)}</span><span class="unseen">${BAND_WORD[band]}: </span>
          <span class="clip name" dir="auto">${call.info?.customer || call.info?.queue || call.id}</span>
          ${
            call === this.#desk.current
              ? nothing
              : html`<span class="muted numbers">${call.ended ? "ended" : clockWords(call.clock(now))}</span>`
          }
          ${fresh ? html`<strong>${fresh}<span class="unseen"> new ${fresh === 1 ? "card" : "cards"}</span></strong>` : nothing}
        </button>`;
      })}
    </nav>`;
  }

  #guidance(call: Call) {
    const deck = this.#deckOf(call);
    const meant = deck.meant(performance.now(), isCard);
    const first = deck.slots.find((slot) => isCard(slot.id));
    const earlier = deck.earlier.map((id) => call.cards.get(id)).filter((card) => card !== undefined);
    return html`<section class="guidance" aria-label="Guidance">
      <h2 class="unseen">Guidance</h2>
      <div
        class="deck"
        tabindex="-1"
        data-testid="cards"
        @pointermove=${this.#hand}
        @pointerdown=${this.#hand}
        @pointerleave=${this.#release}
        @keydown=${this.#hand}
        @rtig-answered=${this.#answered}
      >
        ${repeat(
          deck.slots,
          (slot) => slot.id,
          (slot) => {
            const whisper = call.whispers.get(slot.id.slice(WHISPER.length));
            if (whisper && !isCard(slot.id)) return this.#whisper(whisper);
            const card = call.cards.get(slot.id);
            return card
              ? html`<rtig-card
                  .card=${card}
                  .gone=${slot.gone}
                  .ticks=${call.steps.get(card.id)}
                  .mark=${this.#marks.of(call.id, card.id)}
                  .keys=${this.#keyboard.on}
                  .meant=${slot.id === meant}
                  .place=${slot === first ? "top" : "more"}
                ></rtig-card>`
              : nothing;
          },
        )}
        ${deck.slots.length ? nothing : html`<p class="none muted">${call.ended ? "No cards are open." : EMPTY_WORDS[this.#mode]}</p>`}
      </div>
      ${
        earlier.length
          ? html`<details
              class="earlier"
              data-testid="earlier"
              @pointermove=${this.#hand}
              @pointerdown=${this.#hand}
              @pointerleave=${this.#release}
              @keydown=${this.#hand}
            >
              <summary class="muted small">
                Earlier (${earlier.length}${deck.hushed ? `, ${deck.hushed} held back` : ""})
              </summary>
              <div @rtig-answered=${this.#answered}>
                ${repeat(
                  earlier,
                  (card) => card.id,
                  (card) =>
                    html`<rtig-card
                      .card=${card}
                      .gone=${this.#goneOf(call, card)}
                      .ticks=${call.steps.get(card.id)}
                      .mark=${this.#marks.of(call.id, card.id)}
                      .place=${"earlier"}
                    ></rtig-card>`,
                )}
              </div>
            </details>`
          : nothing
      }
    </section>`;
  }

  #whisper(whisper: Whisper) {
    const done = () => {
      this.#marks.set(whisper.call_id, WHISPER + whisper.id, { dismissed: "known" });
      this.deckList?.focus({ preventScroll: true });
      // The reader sent it away: it does not wait until the hand is gone.
      this.#release();
    };
    return html`<article class="whisper" data-testid="whisper">
      <p class="small from">From <bdi>${whisper.by || "your supervisor"}</bdi></p>
      <p dir="auto">${whisper.text}</p>
      <button type="button" @click=${done}>Got it</button>
    </article>`;
  }

  #entries(call: Call): Entry[] {
    const entries: Entry[] = Array.from(call.cards.values(), (card) => ({
      id: card.id,
      at: card.shown_ms,
      pinned: Boolean(this.#marks.of(call.id, card.id).pinned),
      gone: this.#goneOf(call, card),
      hushed: !this.#comes(call, card),
    }));
    for (const whisper of call.whispers.values()) {
      const id = WHISPER + whisper.id;
      const read = this.#marks.of(call.id, id).dismissed;
      // A word from a person stays until it was read, whatever else comes.
      entries.push({ id, at: whisper.at_ms, pinned: true, gone: read ? "expired" : "" });
    }
    return entries;
  }

  #goneOf(call: Call, card: Card): Entry["gone"] {
    const mark = this.#marks.of(call.id, card.id);
    if (card.state === "retracted") return "retracted";
    if (mark.dismissed) return "dismissed";
    return !mark.pinned && !call.ended && call.clock(Date.now()) > card.expires_ms ? "expired" : "";
  }

  #announce(call: Call, deck: Deck, entries: readonly Entry[]): void {
    const told = this.#told.get(call.id);
    const standing = entries.filter((entry) => !entry.gone).sort((a, b) => a.at - b.at);
    if (!told) {
      this.#told.set(call.id, new Set(standing.map((entry) => entry.id)));
      return;
    }
    for (const { id } of standing) {
      if (told.has(id)) continue;
      told.add(id);
      if (deck.slots.some((slot) => slot.id === id) || deck.waiting.includes(id)) {
        const urgent = !isCard(id) || call.cards.get(id)?.kind === "alert";
        this.#announcer.add(this.#title(call, id), urgent, () => this.#stillLies(call, id));
      }
    }
  }

  #stillLies(call: Call, id: string): boolean {
    const deck = this.#decks.get(call.id);
    const lies = deck?.slots.some((slot) => slot.id === id && !slot.gone) || deck?.waiting.includes(id);
    return call === this.#desk.current && Boolean(lies);
  }

  #comes(call: Call, card: Card): boolean {
    return comesThrough(this.#mode, card, Boolean(this.#marks.of(call.id, card.id).pinned));
  }

  #title(call: Call, id: string): string {
    if (!isCard(id)) return "Message from your supervisor";
    return call.cards.get(id)?.title ?? "";
  }

  #deckOf(call: Call): Deck {
    let deck = this.#decks.get(call.id);
    if (!deck) this.#decks.set(call.id, (deck = new Deck()));
    return deck;
  }

  #freshDesk(): Desk {
    return new Desk((message) => this.#entrance.connection.send(message), this.#entrance.call);
  }

  /** Puts a call on screen by its id, also one that is not announced as this agent's. */
  open(callId: string): void {
    this.#desk.open(callId);
    if (this.#desk.current) this.#show(this.#desk.current);
  }

  #show(call: Call): void {
    this.#desk.show(call.id);
    this.#handAt = Number.NEGATIVE_INFINITY;
    if (this.main) this.main.scrollTop = 0;
    this.requestUpdate();
  }

  #seek = async (event: Seek) => {
    this.transcriptOpen = true;
    await this.updateComplete;
    await this.transcript?.seek(event.quotes);
  };

  #answered = (event: Answered) => {
    const { card, action, reason } = event;
    const mark = this.#marks.of(card.call_id, card.id);
    if (action === "pinned") {
      this.#marks.set(card.call_id, card.id, { pinned: !mark.pinned });
      // The protocol knows no unpinning: letting go of a card is this screen's own affair.
      if (mark.pinned) return this.requestUpdate();
    } else if (action === "dismissed") this.#marks.set(card.call_id, card.id, { dismissed: reason, pinned: false });
    else this.#marks.set(card.call_id, card.id, { [action]: true });
    this.#outbox.say({
      type: "answer",
      call_id: card.call_id,
      card_id: card.id,
      action,
      ...(reason ? { reason } : {}),
      answer_id: freshId(),
    });
    this.requestUpdate();
  };

  #setMode(mode: Mode): void {
    this.#mode = mode;
    keepMode(mode, session);
    // The reader's own wish does not wait until the hand is gone.
    this.#release();
  }

  /** Does what a key means; false where there is nothing to do. */
  act(act: Act): boolean {
    // What lies below an open list is not to be seen.
    if (this.list?.open && act !== "list") return false;
    const call = this.#desk.current;
    switch (act) {
      case "list":
        this.list?.toggle();
        return Boolean(this.list);
      case "quiet":
        if (!this.list) return false;
        this.#setMode(nextMode(this.#mode));
        this.#tellDone(MODE_WORD[this.#mode]);
        return true;
      case "search":
        if (!this.search) return false;
        this.#beforeSearch = deepFocus(this.shadowRoot);
        this.search.enter();
        return true;
      case "brief":
        if (call) this.#toggleBrief(call);
        return Boolean(call);
      case "transcript":
        if (call) this.transcriptOpen = !this.transcriptOpen;
        return Boolean(call);
      case "back":
        return this.#back(call);
      default:
        return this.#press(act, call);
    }
  }

  /** A key for a card: the one that is being asked about, or the one on top. */
  #press(act: Act, call: Call | null): boolean {
    const cards = [...this.renderRoot.querySelectorAll<CardView>(".deck rtig-card")];
    const id = call && this.#deckOf(call).meant(performance.now(), isCard);
    const asked = act.startsWith("reason ") && cards.find((card) => card.asking && !card.gone);
    const done = (asked || cards.find((card) => card.card.id === id))?.press(act) ?? null;
    // A key is a hand among the cards.
    if (done !== null) this.#hand();
    if (done) this.#tellDone(done);
    return done !== null;
  }

  /** One step: out of a question, else the search, the reasons of the mood, the brief, the article. */
  #back(call: Call | null): boolean {
    const cards = [...this.renderRoot.querySelectorAll<CardView>(".deck rtig-card")];
    const asked = cards.find((card) => card.asking && !card.gone);
    if (asked) return asked.press("back") !== null;
    const searching = this.search?.matches(":focus-within");
    const cleared = this.search?.clear();
    if (searching) (this.#beforeSearch?.isConnected ? this.#beforeSearch : this.deckList)?.focus({ preventScroll: true });
    if (searching || cleared || this.mood?.close()) return true;
    if (call && this.#showsBrief(call)) {
      this.#toggleBrief(call);
      return true;
    }
    return cards.some((card) => card.press("back") !== null);
  }

  #tellDone(what: string): void {
    this.#done = what;
    this.#doneAt = performance.now();
    this.requestUpdate();
  }

  #key(act: Act) {
    return this.#keyboard.on ? keyOf(act) : nothing;
  }

  #showsBrief(call: Call): boolean {
    return this.#briefOpen.get(call.id) ?? (call.brief?.state === "ended" || call.handover !== null);
  }

  #toggleBrief(call: Call): void {
    const open = !this.#showsBrief(call);
    this.#briefOpen.set(call.id, open);
    if (open && call.brief?.state !== "ended") this.#askBrief(call.id);
    if (open && this.main) this.main.scrollTop = 0;
    this.requestUpdate();
  }

  #askBrief(id: string): void {
    this.#entrance.connection.send({ type: "ask_brief", call_id: id });
  }

  /** Who was there when a call ended is sent its brief. */
  #askBriefOfTheEnded(id: string): void {
    const call = this.#desk.calls.find((each) => each.id === id);
    if (call?.info?.state === "ended" && call.brief?.state !== "ended") this.#askBrief(id);
  }

  #say = ({ deed }: HelpAct | HandoverAct) => {
    this.#outbox.say(deed);
    this.requestUpdate();
  };

  #write(call: Call): void {
    call.draft = call.brief && briefText(call.brief).slice(0, MOST_CHARACTERS);
    this.requestUpdate();
  }

  #ask = (message: Find) => this.#entrance.connection.send(message);

  #hand = () => {
    this.#handAt = performance.now();
  };

  #release = () => {
    this.#handAt = Number.NEGATIVE_INFINITY;
    this.requestUpdate();
  };

  #tick(): void {
    const now = performance.now();
    if (this.#announcer.tick(now)) this.announced = this.#announcer.text;
    if (now - this.#doneAt > DONE_MS) this.#done = "";
    this.requestUpdate();
  }

  /** Tells whoever measures when a card's frame came and when it was on the glass. */
  #painted(frame: Extract<ServerMessage, { type: "guidance" }>): void {
    const received = performance.now();
    const { call_id, seq, timing } = frame;
    void this.updateComplete.then(() =>
      requestAnimationFrame(() =>
        setTimeout(() => {
          const detail = { call_id, seq, timing, received, painted: performance.now() };
          dispatchEvent(new CustomEvent("rtig-painted", { detail }));
        }),
      ),
    );
  }

  static override styles = [
    tokens,
    base,
    css`
      /* Sizes go by the room that this element is given, on whose page ever it is. */
      :host {
        display: block;
        container-type: size;
        contain-intrinsic-block-size: 40rem;
        block-size: 100%;
        overflow: auto;
      }

      .page {
        position: relative;
        display: grid;
        grid-template: auto minmax(0, 1fr) auto auto / minmax(0, 1fr);
        block-size: 100%;
      }

      .idle {
        grid-template-rows: minmax(0, 1fr) auto;
      }

      header {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 4px;
        padding: 10px 12px;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      header rtig-mood {
        margin-block-start: 4px;
      }

      .who {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
        gap: 10px;
      }

      .about {
        padding-inline: 2px;
      }

      h1 {
        font-size: 1rem;
        font-weight: 650;
      }

      .facts {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 10px;
      }

      .facts p {
        flex: 1 1 0;
        min-inline-size: 6rem;
      }

      .who h1 {
        flex: 1;
      }

      button.brief {
        flex: none;
        min-block-size: 26px;
        padding-block: 1px;
        color: var(--accent);
        font-weight: 600;
      }

      .clock {
        font-weight: 600;
      }

      .ended {
        flex: none;
        padding: 1px 9px;
        border: 1px solid var(--edge);
        border-radius: 20px;
        color: var(--muted);
        font-size: 0.8125rem;
        font-weight: 600;
      }

      nav {
        display: flex;
        gap: 6px;
        margin-block-end: 6px;
        overflow-x: auto;
        padding: 2px;
      }

      nav button {
        display: flex;
        flex: 1 1 6rem;
        align-items: center;
        gap: 6px;
        min-inline-size: 6.5rem;
        max-inline-size: 14rem;
        font-size: 0.8125rem;
      }

      nav .name {
        flex: 1;
        text-align: start;
      }

      nav button[aria-current="true"] {
        border-color: var(--accent);
        box-shadow: inset 0 -2px var(--accent);
      }

      nav .tint {
        color: var(--mood);
      }

      nav strong {
        min-inline-size: 1.3rem;
        padding-inline: 5px;
        border-radius: 10px;
        background: var(--accent);
        color: var(--on-accent);
        font-size: 0.75rem;
        text-align: center;
      }

      main {
        position: relative;
        display: flex;
        flex-direction: column;
        gap: 12px;
        min-block-size: 0;
        padding: 0 12px 14px;
        overflow-y: auto;
        scroll-padding-block-start: 56px;
      }

      .tools {
        position: sticky;
        z-index: 1;
        inset-block-start: 0;
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto auto;
        gap: 6px;
        margin: 0 -12px -8px;
        padding: 8px 12px;
        background: var(--ground);
      }

      /* Over the search box: while a card waits, the hand is among the cards and not there. */
      button.waiting {
        position: absolute;
        grid-area: 1 / 1;
        inset-block-start: 3px;
        inset-inline-end: 4px;
        max-inline-size: calc(100% - 8px);
        min-block-size: 26px;
        padding-block: 1px;
        border-color: transparent;
        border-radius: 20px;
        background: var(--accent);
        color: var(--on-accent);
        font-weight: 600;
      }

      /* In the middle of a call, guidance stays in sight below. */
      .amid {
        flex: none;
        max-block-size: max(12rem, 32cqb);
        overflow-y: auto;
      }

      .deck {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 10px;
      }

      .deck:focus {
        outline: none;
      }

      .none {
        padding: 22px 14px;
        border: 1px dashed var(--line);
        border-radius: var(--radius);
        text-align: center;
      }

      .whisper {
        display: grid;
        gap: 4px;
        padding: 12px 14px;
        border: 1px solid var(--accent);
        border-radius: var(--radius);
        background: var(--accent-soft);
        overflow-wrap: break-word;
      }

      .whisper .from {
        color: var(--accent);
        font-weight: 600;
      }

      .whisper button {
        justify-self: start;
        margin-block-start: 4px;
      }

      .earlier {
        margin-block-start: 10px;
        padding-inline: 2px;
      }

      .heard {
        display: grid;
        grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
        block-size: clamp(8rem, 24cqb, 24rem);
        border-block-start: 1px solid var(--line);
      }

      .heard.folded {
        block-size: auto;
      }

      .heard h2 {
        padding: 2px 4px;
      }

      .heard h2 button {
        font-size: 0.8125rem;
        font-weight: 600;
      }

      .empty {
        align-items: center;
        justify-content: center;
        gap: 6px;
        text-align: center;
      }

      .empty .tools {
        position: absolute;
        inset-inline: auto 0;
        margin: 0;
        padding-inline: 12px;
      }

      .empty > svg {
        inline-size: 52px;
        fill: none;
        stroke: var(--edge);
        stroke-width: 2;
        margin-block-end: 8px;
      }

      /* Beside each other where there is room. */
      @container (min-width: 860px) {
        .page:not(.idle) {
          grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr) minmax(22rem, 34%);
        }

        .page > :is(header, rtig-status) {
          grid-column: 1 / -1;
        }

        header {
          grid-template-columns: minmax(12rem, 22rem) minmax(0, 1fr);
          gap: 2px 32px;
          padding-inline: 20px;
        }

        header nav {
          grid-column: 1 / -1;
        }

        header rtig-mood {
          align-self: start;
          margin: 0;
        }

        main {
          padding: 0 20px 20px;
        }

        .tools {
          margin-inline: -20px;
          padding: 10px max(20px, calc((100% + 40px - 46rem) / 2));
        }

        rtig-history,
        rtig-brief,
        .guidance,
        rtig-checklists {
          inline-size: 100%;
          max-inline-size: 46rem;
          margin-inline: auto;
        }

        .heard,
        .heard.folded {
          block-size: auto;
          border-block-start: 0;
          border-inline-start: 1px solid var(--line);
        }
      }

      /* Too low for panes (a large zoom, a phone on its side): one page that scrolls. */
      @container (max-height: 540px) {
        .page {
          block-size: auto;
          min-block-size: 100%;
        }

        main {
          overflow: visible;
        }
      }
    `,
  ];
}

const WHISPER = "whisper:";

function isCard(id: string): boolean {
  return !id.startsWith(WHISPER);
}

const EMPTY_WORDS: Record<Mode, string> = {
  all: "Listening. A card appears when it can help.",
  critical: "Only alerts appear here. Other cards stand under “Earlier”.",
  off: "No cards appear here. They stand under “Earlier”.",
};
