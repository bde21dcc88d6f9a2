// How much comes through: always to be seen, one click to change.

import { css, html, LitElement, nothing, svg } from "lit";
import { customElement, property } from "lit/decorators.js";
import { type Mode, nextMode } from "../quiet";
import { keyOf } from "../shortcuts";
import { MODE_WORD } from "../words";
import { base } from "./styles";

export class SetMode extends Event {
  readonly mode: Mode;

  constructor(mode: Mode) {
    super("rtig-set-mode", { bubbles: true, composed: true });
    this.mode = mode;
  }
}

const SHAPE = {
  all: svg`<path d="M2 2.5h12v3H2zM2 6.7h12v3H2zM2 10.9h12v3H2z"/>`,
  critical: svg`<path d="M2 2.5h12v3H2z"/><path d="M2.5 8.2h11M2.5 12.4h11" fill="none" stroke="currentColor" stroke-dasharray="1.5 2"/>`,
  off: svg`<path d="m2.7 1.6 11.7 11.7-1.1 1.1L1.6 2.7zM6 2.5h8v3H9zM2 6.7h2.8l3 3H2zM10.2 6.7H14v3h-.8zM2 10.9h7l3 3H2z"/>`,
};

@customElement("rtig-quiet")
export class QuietView extends LitElement {
  @property({ attribute: false }) mode: Mode = "all";
  /** How many cards of this call are held back. */
  @property({ attribute: false }) held = 0;
  /** Whether single keys are heard. */
  @property({ attribute: false }) keys = true;

  override render() {
    const { mode, held } = this;
    const next = nextMode(mode);
    const [word, rest] = MODE_WORD[mode].split(" ");
    return html`<button
      type="button"
      class=${mode}
      aria-keyshortcuts=${this.keys ? keyOf("quiet") : nothing}
      title="Change to: ${MODE_WORD[next]}"
      data-testid="quiet"
      data-mode=${mode}
      @click=${() => this.dispatchEvent(new SetMode(next))}
    >
      <svg class="shape" viewBox="0 0 16 16" aria-hidden="true">${SHAPE[mode]}</svg>
      <span>${word}<span class="rest"> ${rest}</span></span>
      ${
        held
          ? html`<strong class="numbers" data-testid="held-back">${held}<span class="unseen"> held back</span></strong>`
          : nothing
      }
    </button>`;
  }

  static override styles = [
    base,
    css`
      button {
        display: flex;
        align-items: center;
        gap: 6px;
        padding-inline: 8px;
        color: var(--muted);
        font-size: 0.8125rem;
        white-space: nowrap;
      }

      .critical,
      .off {
        border-color: var(--edge);
        color: var(--ink);
        font-weight: 600;
      }

      .off {
        border-style: dashed;
      }

      /* Room for the search box beside it. */
      @container (max-width: 359px) {
        button {
          gap: 4px;
          padding-inline: 6px;
        }

        .critical .rest {
          position: absolute;
          clip-path: inset(50%);
        }
      }

      strong {
        min-inline-size: 1.3rem;
        padding-inline: 5px;
        border-radius: 10px;
        background: var(--muted);
        color: var(--surface);
        font-size: 0.75rem;
        text-align: center;
      }
    `,
  ];
}
