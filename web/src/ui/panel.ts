// One call as a supervisor sees it: why the customer feels so, what the agent is shown, what is being said, and a word
// to the agent.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import type { Call } from "../call";
import type { Gone } from "../deck";
import type { BoardRow, Card, Mood } from "../protocol";
import { clockWords, deedWords, WITHHELD_WORD } from "../words";
import { type Seek, quoteButton } from "./quotes";
import { base } from "./styles";
import type { TranscriptView } from "./transcript";
import "./card";
import "./checklists";
import "./curve";
import "./mood";
import "./transcript";

export class SayToAgent extends Event {
  readonly text: string;

  constructor(text: string) {
    super("rtig-say", { bubbles: true, composed: true });
    this.text = text;
  }
}

/** The agent's screen holds a sentence, not a letter; the protocol refuses more. */
const LONGEST_WORD = 500;

@customElement("rtig-call-panel")
export class CallPanel extends LitElement {
  @property({ attribute: false }) call!: Call;
  @property({ attribute: false }) version = 0;
  /** The call's row, while it is on the board. */
  @property({ attribute: false }) row: BoardRow | undefined;
  @property({ attribute: false }) now = 0;
  /** What became of the last word to the agent. */
  @property({ attribute: false }) sending = "";
  @state() private draft = "";
  @query("h2") private heading!: HTMLElement;
  @query("rtig-transcript") private transcript!: TranscriptView;

  /** Brings a keyboard and a screen reader here; for when the person has just asked for this call. */
  async enter(): Promise<void> {
    await this.updateComplete;
    this.heading.focus({ preventScroll: true });
  }

  override render() {
    const { call, row } = this;
    const { info } = call;
    const agent = info?.agent || row?.agent || "";
    const facts = [info?.queue ?? row?.queue, info?.customer ?? row?.customer, call.id].filter(Boolean);
    const cards = [...call.cards.values()].sort((a, b) => b.shown_ms - a.shown_ms);
    const unknown = call.gone && !call.info;
    return html`<header>
        <button type="button" class="bare close" data-testid="panel-close" @click=${this.#close}>
          <span aria-hidden="true">←</span> <span>Board</span>
        </button>
        <div class="who">
          <h2 tabindex="-1" class="clip">${agent || "Call"}</h2>
          ${
            call.ended
              ? html`<span class="ended" data-testid="call-ended">${unknown ? "Not known" : "Call ended"}</span>`
              : html`<span class="numbers clock">${clockWords(call.clock(this.now))}</span>`
          }
        </div>
        <p class="muted small clip">${facts.join(" · ")}</p>
      </header>
      ${
        unknown
          ? html`<p class="unknown muted" data-testid="call-unknown">
              The server does not know this call: it was erased, or the link is not for you.
            </p>`
          : this.#inside(cards, agent)
      }`;
  }

  #inside(cards: Card[], agent: string) {
    const { call } = this;
    return html`<div class="inside" tabindex="0" role="group" aria-label="Mood and guidance" @rtig-seek=${this.#seek}>
        <rtig-mood open .mood=${this.#mood()} .hints=${[...call.hints.values()]}></rtig-mood>
        ${call.course ? html`<rtig-curve .course=${call.course} .clock=${call.clock(this.now)}></rtig-curve>` : nothing}
        <section aria-label="Cards">
          <h3>Cards shown to the agent</h3>
          ${cards.length ? nothing : html`<p class="muted small">None so far.</p>`}
          ${repeat(
            cards,
            (card) => card.id,
            (card) =>
              html`<div>
                <rtig-card
                  .card=${card}
                  .gone=${this.#goneOf(card)}
                  .ticks=${call.steps.get(card.id)}
                  .place=${"read"}
                ></rtig-card>
                ${this.#did(card)}
              </div>`,
          )}
        </section>
        <rtig-checklists .lists=${[...call.checklists.values()]}></rtig-checklists>
        ${call.withheld.length ? this.#withheld() : nothing}
      </div>
      <section class="heard" aria-label="Transcript">
        <h3>Transcript</h3>
        <rtig-transcript .call=${call} .version=${call.version}></rtig-transcript>
      </section>
      ${this.#whisper(agent)}`;
  }

  /** With the score that stands in the call's row: a mood is told again only when it has moved a little. */
  #mood(): Mood | null {
    const { mood } = this.call;
    return mood && this.row ? { ...mood, score: this.row.score, band: this.row.band } : mood;
  }

  #did(card: Card) {
    const deeds = this.call.course?.deeds.find((each) => each.card_id === card.id);
    return html`<p class="did small muted" data-testid="card-did">${deeds ? deedWords(deeds) : "Left alone by the agent."}</p>`;
  }

  #withheld() {
    return html`<details data-testid="withheld">
      <summary class="small muted">Not shown, and why (${this.call.withheld.length})</summary>
      <ul class="small">
        ${this.call.withheld
          .toReversed()
          .map(
            (item) =>
              html`<li>
                <span class="numbers muted">${clockWords(item.at_ms)}</span> ${item.rule}:
                ${WITHHELD_WORD[item.reason]}${item.by ? ` (${item.by})` : ""}
                ${item.words.slice(0, 1).map((quote) => html`<br />${quoteButton(quote)}`)}
              </li>`,
          )}
      </ul>
    </details>`;
  }

  #whisper(agent: string) {
    const said = [...this.call.whispers.values()].at(-1);
    if (this.call.ended) return nothing;
    return html`<form class="whisper" @submit=${this.#say}>
      <label for="word" class="small">A word to ${agent || "the agent"}</label>
      <div class="entry">
        <textarea
          id="word"
          rows="2"
          maxlength=${LONGEST_WORD}
          placeholder="Only the agent sees it"
          data-testid="whisper-text"
          .value=${this.draft}
          @input=${(event: InputEvent) => (this.draft = (event.target as HTMLTextAreaElement).value)}
          @keydown=${this.#key}
        ></textarea>
        <button type="submit" class="main" ?disabled=${!this.draft.trim()} data-testid="whisper-send">Send</button>
      </div>
      <p class="small muted clip" role="status" data-testid="whisper-state">
        ${this.sending || (said ? `Last, at ${clockWords(said.at_ms)}: ${said.text}` : "Enter sends, Shift and Enter starts a new line.")}
      </p>
    </form>`;
  }

  #goneOf(card: Card): Gone {
    if (card.state === "retracted") return "retracted";
    return !this.call.ended && this.call.clock(this.now) > card.expires_ms ? "expired" : "";
  }

  #seek = (event: Seek) => void this.transcript.seek(event.quotes);

  #close = () => this.dispatchEvent(new Event("rtig-close", { bubbles: true, composed: true }));

  #key = (event: KeyboardEvent) => {
    // Enter also ends a composition (Japanese, Chinese); that one belongs to the input method.
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#say(event);
  };

  #say = (event: Event) => {
    event.preventDefault();
    const text = this.draft.trim();
    if (!text) return;
    this.draft = "";
    this.dispatchEvent(new SayToAgent(text));
  };

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template: auto minmax(0, 1fr) minmax(9rem, 28%) auto / minmax(0, 1fr);
        min-block-size: 0;
        background: var(--ground);
      }

      header {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        align-items: center;
        gap: 0 8px;
        padding: 8px 14px 8px 6px;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      header p {
        grid-column: 2;
      }

      h2 {
        color: var(--ink);
        font-size: 1rem;
        font-weight: 650;
      }

      h2:focus {
        outline: none;
      }

      h3 {
        color: var(--muted);
        font-size: 0.8125rem;
        font-weight: 600;
      }

      .who {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
        gap: 10px;
      }

      .clock {
        font-weight: 600;
      }

      .ended {
        flex: none;
        color: var(--muted);
        font-size: 0.8125rem;
        font-weight: 600;
      }

      .inside {
        position: relative;
        display: flex;
        flex-direction: column;
        gap: 14px;
        min-block-size: 0;
        padding: 12px 14px;
        overflow-y: auto;
      }

      .inside:focus-visible {
        outline-offset: -2px;
      }

      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 8px;
      }

      .inside ul {
        display: grid;
        gap: 6px;
        padding: 8px 2px;
      }

      .did {
        padding: 3px 2px 0;
      }

      .heard {
        grid-template-rows: auto minmax(0, 1fr);
        gap: 0;
        border-block-start: 1px solid var(--line);
      }

      .heard h3 {
        padding: 7px 14px 0;
      }

      .whisper {
        display: grid;
        gap: 4px;
        padding: 8px 14px;
        border-block-start: 1px solid var(--line);
        background: var(--surface);
      }

      .whisper label {
        font-weight: 600;
      }

      .entry {
        display: flex;
        align-items: stretch;
        gap: 8px;
      }

      textarea {
        flex: 1;
        min-inline-size: 0;
        padding: 6px 9px;
        border: 1px solid var(--edge);
        border-radius: 7px;
        background: var(--ground);
        font-size: 0.875rem;
        resize: none;
      }

      textarea::placeholder {
        color: var(--muted);
        opacity: 1;
      }

      .unknown {
        padding: 24px 14px;
        text-align: center;
      }

      @media (max-width: 480px), (max-height: 540px) {
        :host {
          display: block;
          overflow-y: auto;
        }

        .inside {
          overflow: visible;
        }

        .heard {
          block-size: 15rem;
        }
      }
    `,
  ];
}
