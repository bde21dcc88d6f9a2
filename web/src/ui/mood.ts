// The customer's mood: shape, word and colour at a glance, the reasons and their words on demand.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Hint, Mood, Reason } from "../protocol";
import { BAND_WORD, clockWords, riskWord } from "../words";
import { quoteButton } from "./quotes";
import { bandShape, bar } from "./shapes";
import { base } from "./styles";

@customElement("rtig-mood")
export class MoodView extends LitElement {
  @property({ attribute: false }) mood: Mood | null = null;
  @property({ attribute: false }) hints: readonly Hint[] = [];
  /** Always shows the reasons, as the supervisors' panel does. */
  @property({ type: Boolean }) open = false;
  @state() private unfolded = false;

  /** True when the reasons stood open. */
  close(): boolean {
    const { unfolded } = this;
    this.unfolded = false;
    return unfolded;
  }

  override render() {
    const mood = this.mood;
    if (!mood) return nothing;
    const shown = this.open || this.unfolded;
    const top = mood.reasons.find((reason) => reason.weight > 0);
    const band = html`<span class="band" data-testid="mood-band" data-band=${mood.band}
        ><span class="unseen">Customer: </span>${bandShape(mood.band)} ${BAND_WORD[mood.band]}</span
      >
      ${this.open ? nothing : html`<span class="top clip" dir="auto" data-testid="mood-reason">${shown ? "" : (top?.what ?? "")}</span>`}`;
    return html`<div class="mood ${mood.band}">
      ${
        this.open
          ? html`<div class="strip">
              ${band}<span class="numbers small">${Math.round(mood.score * 100)} of 100</span>
              <span class="small" data-testid="mood-risk">${riskWords(mood)}</span>
            </div>`
          : html`<button
              type="button"
              class="strip"
              aria-expanded=${shown}
              data-testid="mood-toggle"
              @click=${() => (this.unfolded = !shown)}
            >
              ${band}<span class="small" aria-hidden="true">${shown ? "Hide" : "Why"}</span>
            </button>`
      }
      ${shown ? this.#reasons(mood) : nothing}
    </div>`;
  }

  #reasons(mood: Mood) {
    return html`<div class="reasons" data-testid="mood-reasons">
      ${this.open ? bar(mood.score) : nothing}
      ${
        mood.reasons.length
          ? html`<ul>
              ${mood.reasons.map(
                (reason) =>
                  html`<li>
                    <span class="way" aria-hidden="true">${reason.weight > 0 ? "▲" : "▼"}</span>
                    <span>
                      ${sentence(reason)}
                      <span class="small quiet"
                        >${reason.weight > 0 ? "" : "(helped) "}${clockWords(reason.at_ms)}</span
                      >
                      ${reason.words.slice(0, 3).map((quote) => html` ${quoteButton(quote)}`)}
                    </span>
                  </li>`,
              )}
            </ul>`
          : html`<p>Nothing said so far points to trouble.</p>`
      }
      ${this.hints.length ? html`<p class="small">From the recogniser: ${this.hints.map(hintWords).join(", ")}</p>` : nothing}
    </div>`;
  }

  static override styles = [
    base,
    css`
      .mood {
        border-radius: 8px;
        background: var(--mood-soft);
        color: var(--mood);
        transition:
          background-color 600ms,
          color 600ms;
      }

      .strip {
        display: flex;
        align-items: center;
        gap: 8px;
        inline-size: 100%;
        min-block-size: 34px;
        padding: 4px 10px;
        border: 1px solid transparent;
        border-radius: 8px;
        background: none;
        color: inherit;
        text-align: start;
      }

      button.strip:hover {
        background: none;
        border-color: currentColor;
      }

      .band {
        flex: none;
        font-weight: 650;
      }

      :host([open]) .strip {
        flex-wrap: wrap;
        gap: 0 10px;
      }

      .top {
        flex: 1;
        color: var(--ink);
        font-size: 0.875rem;
      }

      .reasons {
        display: grid;
        gap: 8px;
        max-block-size: 40cqb;
        padding: 2px 10px 10px;
        overflow: auto;
        color: var(--ink);
        font-size: 0.875rem;
      }

      :host([open]) .reasons {
        max-block-size: none;
      }

      ul {
        display: grid;
        gap: 6px;
      }

      li {
        display: flex;
        gap: 8px;
        overflow-wrap: anywhere;
      }

      .way {
        color: var(--mood);
        font-size: 0.6875rem;
        line-height: 1.9;
      }

      .quiet {
        opacity: 0.85;
      }

      .bar {
        inline-size: 100%;
        block-size: 6px;
        border-radius: 3px;
      }

      .rail {
        fill: var(--surface);
      }

      .fill {
        fill: var(--mood);
      }

      @media (forced-colors: active) {
        .mood {
          border: 1px solid CanvasText;
        }
      }
    `,
  ];
}

function riskWords(mood: Mood): string {
  return [riskWord(mood.risk), mood.reading === "words" ? "from words alone" : ""].filter(Boolean).join(" · ");
}

function sentence(reason: Reason): string {
  return reason.what.charAt(0).toUpperCase() + reason.what.slice(1);
}

function hintWords(hint: Hint): string {
  return hint.value === 1 ? hint.name : `${hint.name} ${Math.round(hint.value * 100) / 100}`;
}
