// The agent's sidebar: the call at the top, the card that matters below it, the transcript at the foot.

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
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
import type { Card, Find, ServerMessage, Whisper } from "./protocol";
import type { Answered } from "./ui/card";
import type { HandoverAct } from "./ui/handover";
import type { HelpAct } from "./ui/help";
import { Entrance } from "./ui/entrance";
import type { Seek } from "./ui/quotes";
import type { SearchBox } from "./ui/search";
import { bandShape } from "./ui/shapes";
import { base, tokens } from "./ui/styles";
import type { TranscriptView } from "./ui/transcript";
import { BAND_WORD, clockWords, codeWords } from "./words";
import "./ui/brief";
import "./ui/card";
import "./ui/checklists";
import "./ui/handover";
import "./ui/help";
import "./ui/history";
import "./ui/mood";
import "./ui/search";
import "./ui/transcript";

const TICK_MS = 500;
/** After the last movement or key among the cards, the hand counts as gone. */
const HAND_MS = 1_500;

@customElement("rtig-agent")
export class AgentPage extends LitElement {
  @state() private transcriptOpen = true;
  @state() private announced = "";
  @query(".deck") private deckList!: HTMLElement | null;
  @query("main") private main!: HTMLElement | null;
  @query("rtig-transcript") private transcript!: TranscriptView | null;
  @query("rtig-search") private search!: SearchBox | null;

  #entrance = new Entrance(this, "agent");
  #desk = this.#freshDesk();
  #outbox = new Outbox((message) => this.#entrance.connection.send(message));
  #histories = new Histories((message) => this.#entrance.connection.send(message));
  #marks = new Marks(sessionStorage);
  #decks = new Map<string, Deck>();
  #announcer = new Announcer();
  /** Of the calls whose brief the reader has opened or closed. */
  #briefOpen = new Map<string, boolean>();
  /** Ids of entries that were announced or were there when the call came on screen. */
  #told = new Map<string, Set<string>>();
  #handAt = Number.NEGATIVE_INFINITY;
  #ticker = 0;

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
    if (message.type === "brief" && message.brief.state === "ended") this.#announcer.add("The brief of the call");
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
    if (this.#focusWasInDeck && !this.shadowRoot?.activeElement) this.deckList?.focus({ preventScroll: true });
    this.#focusWasInDeck = Boolean(this.deckList?.matches(":focus-within"));
  }
  #focusWasInDeck = false;

  override render() {
    const form = this.#entrance.form("Guidance for agents");
    if (form) return form;
    const call = this.#desk.current;
    return html`<div class="page ${call ? "" : "idle"}" @rtig-seek=${this.#seek}>
      ${call ? this.#call(call) : this.#empty()} ${this.#entrance.strip(call?.info?.agent || this.#entrance.agent)}
      <div class="unseen" role="status" aria-live="polite" data-testid="announcer">${this.announced}</div>
    </div>`;
  }

  #empty() {
    const live = this.#entrance.connection.status.phase === "live";
    return html`<main class="empty" data-testid="empty">
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <path d="M8 25v-2a16 16 0 0 1 32 0v2" />
        <rect x="5" y="25" width="8" height="12" rx="3" />
        <rect x="35" y="25" width="8" height="12" rx="3" />
        <path d="M39 37v1a5 5 0 0 1-5 5h-7" />
      </svg>
      <h1>No call right now</h1>
      <p class="muted">${live ? "Your next call appears here by itself." : "Waiting for the server."}</p>
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
            <h1 class="clip" title=${call.id} data-testid="call-title">${title}</h1>
            <button
              type="button"
              class="bare brief"
              aria-expanded=${this.#showsBrief(call)}
              data-testid="brief-toggle"
              @click=${() => this.#toggleBrief(call)}
            >
              Brief
            </button>
            ${
              call.ended
                ? html`<span class="ended" data-testid="call-ended">Call ended</span>`
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
        ${keyed(
          call.id,
          html`<rtig-search .ask=${this.#ask}></rtig-search>
            <rtig-history
              .histories=${this.#histories}
              .callId=${call.id}
              .now=${now}
              .crowded=${call.ended || this.#deckOf(call).slots.length > 0}
            ></rtig-history>`,
        )}
        ${
          this.#showsBrief(call)
            ? html`<rtig-brief
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
        <rtig-checklists .lists=${[...call.checklists.values()]}></rtig-checklists>
      </main>
      <section class="heard ${this.transcriptOpen ? "" : "folded"}" aria-label="Transcript">
        <h2>
          <button
            type="button"
            class="bare"
            aria-expanded=${this.transcriptOpen}
            data-testid="transcript-toggle"
            @click=${() => (this.transcriptOpen = !this.transcriptOpen)}
          >
            <span aria-hidden="true">${this.transcriptOpen ? "▾" : "▸"}</span> Transcript
          </button>
        </h2>
        ${
          this.transcriptOpen
            ? html`<rtig-transcript .call=${call} .version=${call.version}></rtig-transcript>`
            : nothing
        }
      </section>`;
  }

  #switcher(now: number) {
    return html`<nav aria-label="Your calls" data-testid="switcher">
      ${this.#desk.calls.map((call) => {
        const fresh = this.#desk.unseen(call);
        const band = call.mood?.band ?? "calm";
        return html`<button
          type="button"
          aria-current=${call === this.#desk.current}
          class=${band}
          data-call-id=${call.id}
          @click=${() => this.#show(call)}
        >
          <span class="tint">${bandShape(band)}</span><span class="unseen">${BAND_WORD[band]}: </span>
          <span class="clip">${call.info?.customer || call.info?.queue || call.id}</span>
          <span class="muted numbers">${call.ended ? "ended" : clockWords(call.clock(now))}</span>
          ${fresh ? html`<strong>${fresh}<span class="unseen"> new ${fresh === 1 ? "card" : "cards"}</span></strong>` : nothing}
        </button>`;
      })}
    </nav>`;
  }

  #guidance(call: Call) {
    const deck = this.#deckOf(call);
    const first = deck.slots.find((slot) => !slot.id.startsWith(WHISPER));
    const waiting = deck.waiting.map((id) => this.#title(call, id)).find(Boolean);
    const earlier = deck.earlier.map((id) => call.cards.get(id)).filter((card) => card !== undefined);
    return html`<section class="guidance" aria-label="Guidance">
      <div class="top">
        <h2>Guidance</h2>
        ${
          waiting
            ? html`<button type="button" class="bare waiting clip" data-testid="waiting" @click=${this.#release}>
                ↑ ${waiting}
              </button>`
            : nothing
        }
      </div>
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
            if (whisper && slot.id.startsWith(WHISPER)) return this.#whisper(whisper);
            const card = call.cards.get(slot.id);
            return card
              ? html`<rtig-card
                  .card=${card}
                  .gone=${slot.gone}
                  .mark=${this.#marks.of(call.id, card.id)}
                  .place=${slot === first ? "top" : "more"}
                ></rtig-card>`
              : nothing;
          },
        )}
        ${deck.slots.length ? nothing : html`<p class="none muted">${call.ended ? "No cards are open." : "Listening. A card appears when it can help."}</p>`}
      </div>
      ${
        earlier.length
          ? html`<details class="earlier" data-testid="earlier">
              <summary class="muted small">Earlier (${earlier.length})</summary>
              <div @rtig-answered=${this.#answered}>
                ${repeat(
                  earlier,
                  (card) => card.id,
                  (card) =>
                    html`<rtig-card
                      .card=${card}
                      .gone=${this.#goneOf(call, card)}
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
      <p class="small from">${whisper.by ? `From ${whisper.by}` : "From your supervisor"}</p>
      <p>${whisper.text}</p>
      <button type="button" @click=${done}>Got it</button>
    </article>`;
  }

  #entries(call: Call): Entry[] {
    const entries: Entry[] = Array.from(call.cards.values(), (card) => ({
      id: card.id,
      at: card.shown_ms,
      pinned: Boolean(this.#marks.of(call.id, card.id).pinned),
      gone: this.#goneOf(call, card),
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
        this.#announcer.add(this.#title(call, id));
      }
    }
  }

  #title(call: Call, id: string): string {
    if (id.startsWith(WHISPER)) return "Message from your supervisor";
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
    if (this.#announcer.tick(performance.now())) this.announced = this.#announcer.text;
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
      :host {
        display: block;
        block-size: 100%;
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

      h1 {
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
        flex: 0 1 auto;
        align-items: center;
        gap: 6px;
        min-inline-size: 5.5rem;
        max-inline-size: 12rem;
        font-size: 0.8125rem;
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
        padding: 8px 12px 14px;
        overflow-y: auto;
      }

      .top {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: 10px;
        min-block-size: 30px;
        padding-inline: 2px;
      }

      button.waiting {
        min-block-size: 26px;
        padding-block: 1px;
        color: var(--accent);
        font-weight: 600;
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
        block-size: clamp(9.5rem, 28vh, 24rem);
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

      .empty svg {
        inline-size: 52px;
        fill: none;
        stroke: var(--edge);
        stroke-width: 2;
        margin-block-end: 8px;
      }

      /* Beside each other where there is room. */
      @media (min-width: 860px) {
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
          align-self: center;
          margin: 0;
        }

        main {
          padding: 12px 20px 20px;
        }

        rtig-search,
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
      @media (max-height: 540px) {
        :host,
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
