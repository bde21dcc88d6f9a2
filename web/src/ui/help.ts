// Asking for help: one click, a few words where there is time for them, and who is on it.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { Call } from "../call";
import { type HelpDeed, helpState } from "../help";
import { freshId } from "../outbox";
import { alertShape } from "./shapes";
import { base } from "./styles";

/** What the agent does about it. */
export class HelpAct extends Event {
  readonly deed: HelpDeed;

  constructor(deed: HelpDeed) {
    super("rtig-help", { bubbles: true, composed: true });
    this.deed = deed;
  }
}

const MOST_CHARACTERS = 200;

@customElement("rtig-help")
export class HelpView extends LitElement {
  @property({ attribute: false }) call!: Call;
  @property({ attribute: false }) now = 0;
  /** What was done last that the server has not taken yet. */
  @property({ attribute: false }) unsent: HelpDeed | undefined;
  @query("input") private input!: HTMLInputElement | null;
  @query(".standing, .ask") private rest!: HTMLElement | null;

  /** The button that was pressed has gone: the focus goes to what came in its place. */
  #refocus = false;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("keydown", this.#key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("keydown", this.#key);
  }

  override render() {
    const { phase, text, words, ago } = this.#state;
    const standing = phase === "asking" || phase === "asked" || phase === "coming";
    return html`<span class="unseen" role="status" data-testid="help-news">${words}</span>
      ${
        standing
          ? html`<div class="standing" tabindex="-1" data-testid="help">
              ${alertShape(phase === "coming" ? "acknowledged" : "open")}
              <span class="words">${words}${ago ? html` <span class="numbers">${ago}</span>` : nothing}</span>
              <button type="button" class="bare" data-testid="help-back" @click=${this.#takeBack}>
                Take back<span class="unseen"> the request for help</span>
              </button>
              ${text ? html`<p class="text small" data-testid="help-text">“${text}”</p>` : this.#form()}
            </div>`
          : html`${phase === "over" ? html`<span class="over small" data-testid="help">${words}</span>` : nothing}
              <button
                type="button"
                class="ask"
                aria-keyshortcuts="Alt+H"
                title="Ask a supervisor for help (Alt+H)"
                data-testid="help-ask"
                @click=${() => this.#ask("")}
              >
                Ask for help
              </button>`
      }`;
  }

  #form() {
    return html`<form @submit=${this.#say}>
      <input
        maxlength=${MOST_CHARACTERS}
        autocomplete="off"
        aria-label="What for, in a few words"
        placeholder="What for? If you like"
        data-testid="help-words"
      />
      <button>Send</button>
    </form>`;
  }

  override updated(): void {
    this.toggleAttribute("standing", Boolean(this.rest?.matches(".standing")));
    if (!this.#refocus) return;
    this.#refocus = false;
    // Never to what takes it back: a second Enter would.
    if (!this.shadowRoot?.activeElement) (this.input ?? this.rest)?.focus({ preventScroll: true });
  }

  get #state() {
    return helpState(this.call.help, this.unsent, this.call.clock(this.now));
  }

  #ask(text: string): void {
    this.#refocus = true;
    this.dispatchEvent(new HelpAct({ type: "ask_help", call_id: this.call.id, help_id: freshId(), text }));
  }

  #takeBack = () => {
    this.#refocus = true;
    this.dispatchEvent(new HelpAct({ type: "take_back_help", call_id: this.call.id, help_id: this.#state.id }));
  };

  #say = (event: Event) => {
    event.preventDefault();
    const text = this.input?.value.trim();
    if (text) this.#ask(text);
  };

  /** By the key's place, because with Alt some keyboards write another letter; AltGr counts as Ctrl and Alt. */
  #key = (event: KeyboardEvent) => {
    if (event.code !== "KeyH" || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { phase } = this.#state;
    if (phase === "none" || phase === "over") this.#ask("");
    else (this.input ?? this.rest)?.focus();
  };

  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: end;
        gap: 2px 10px;
        min-inline-size: 0;
      }

      :host([standing]) {
        flex: 1 1 100%;
      }

      .standing:focus {
        outline: none;
      }

      .ask {
        min-block-size: 26px;
        padding-block: 1px;
        font-size: 0.8125rem;
        white-space: nowrap;
      }

      .over {
        color: var(--calm);
        font-weight: 600;
      }

      .standing {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto;
        flex: 1;
        gap: 2px 8px;
        align-items: center;
        padding: 4px 6px 6px 10px;
        border: 1px solid var(--accent);
        border-radius: 8px;
        background: var(--accent-soft);
        font-size: 0.875rem;
        overflow-wrap: anywhere;
      }

      .standing > .shape,
      .words {
        color: var(--accent);
        font-weight: 600;
      }

      .words .numbers {
        font-weight: 400;
      }

      .standing .bare {
        min-block-size: 28px;
        padding-block: 2px;
        font-size: 0.8125rem;
      }

      .text,
      form {
        grid-column: 1 / -1;
      }

      form {
        display: flex;
        gap: 6px;
        padding-inline-end: 4px;
      }

      input {
        flex: 1;
        min-inline-size: 0;
        min-block-size: 30px;
        padding: 2px 8px;
        border: 1px solid var(--edge);
        border-radius: 7px;
        background: var(--surface);
        font-size: 0.875rem;
      }

      input::placeholder {
        color: var(--muted);
        opacity: 1;
      }
    `,
  ];
}
