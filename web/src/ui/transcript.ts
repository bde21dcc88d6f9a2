// The transcript as it is being heard: follows the end while the reader is there, and shows where words were said.

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { type Call, pieces } from "../call";
import type { Line, Quote } from "../protocol";
import { clockWords, PARTY_WORD } from "../words";
import { base } from "./styles";

/** Pixels from the end at which the reader still counts as being there. */
const AT_END = 32;

@customElement("rtig-transcript")
export class TranscriptView extends LitElement {
  @property({ attribute: false }) call!: Call;
  /** The call's version, so that a change of the call is a change of a property. */
  @property({ attribute: false }) version = 0;
  @state() private sought: readonly Quote[] = [];
  @state() private following = true;
  @query(".lines") private list!: HTMLElement;

  /** The room there was when this last went to the end. */
  #room = "";
  #resized = new ResizeObserver(() => {
    this.#room = this.#roomNow();
    this.#follow();
  });

  /** Scrolls to the words and marks them until others are sought. */
  async seek(quotes: readonly Quote[]): Promise<void> {
    this.sought = quotes;
    this.following = false;
    await this.updateComplete;
    const words =
      this.list.querySelector("mark.sought") ??
      this.list.querySelector(`[data-segment="${CSS.escape(quotes[0]?.segment_id ?? "")}"]`);
    // At once: a smooth scroll starts at the end, where it would be taken for a reader who wants to follow.
    words?.scrollIntoView({ block: "center", behavior: "instant" });
  }

  override firstUpdated(): void {
    this.#resized.observe(this.list);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("call")) {
      this.following = true;
      this.sought = [];
    }
  }

  override updated(): void {
    this.#follow();
  }

  override render() {
    const evidence = this.call.evidence();
    const lines = this.call.lines.filter((line) => line.text);
    return html`<div class="lines" tabindex="0" role="group" aria-label="What is being said" @scroll=${this.#scrolled}>
        ${lines.length ? nothing : html`<p class="none">Nothing has been said yet.</p>`}
        ${repeat(
          lines,
          (line) => line.segment_id,
          (line, i) => {
            const starts = lines[i - 1]?.party !== line.party;
            const quotes = evidence.get(line.segment_id) ?? [];
            const sought = this.sought.find((quote) => quote.segment_id === line.segment_id) ?? null;
            const spots = quotes.map((quote) => `${quote.start}-${quote.end}`).join();
            return guard([line, starts, spots, sought], () => lineOf(line, starts, quotes, sought));
          },
        )}
      </div>
      ${
        this.following
          ? nothing
          : html`<button type="button" class="latest" data-testid="latest" @click=${this.#latest}>Latest ↓</button>`
      }`;
  }

  #scrolled = () => {
    // Another size moves the lines, and nobody has scrolled.
    if (this.#roomNow() !== this.#room) return;
    const { scrollHeight, scrollTop, clientHeight } = this.list;
    this.following = scrollHeight - scrollTop - clientHeight < AT_END;
  };

  #latest = () => {
    this.sought = [];
    this.following = true;
    this.list.focus({ preventScroll: true });
  };

  #roomNow(): string {
    return `${this.list.clientWidth} ${this.list.clientHeight}`;
  }

  #follow(): void {
    if (this.following) this.list.scrollTop = this.list.scrollHeight;
  }

  static override styles = [
    base,
    css`
      :host {
        position: relative;
        display: grid;
        min-block-size: 0;
      }

      .lines {
        position: relative;
        display: flex;
        flex-direction: column;
        gap: 3px;
        min-block-size: 0;
        padding: 4px 14px 12px;
        overflow-y: auto;
        overscroll-behavior: contain;
        font-size: 0.875rem;
      }

      .lines:focus-visible {
        outline-offset: -2px;
      }

      .none {
        margin: auto;
        color: var(--muted);
      }

      .line {
        max-inline-size: 88%;
        padding: 4px 10px;
        border: 1px solid transparent;
        border-radius: 9px;
        overflow-wrap: break-word;
      }

      .who {
        display: flex;
        gap: 8px;
        margin-block: 7px 1px;
        padding-inline: 10px;
        color: var(--muted);
        font-size: 0.75rem;
        font-weight: 600;
      }

      .who .numbers {
        font-weight: 400;
      }

      .turn {
        display: flex;
        flex-direction: column;
        align-items: flex-start;
      }

      .customer .line,
      .unknown .line {
        border-color: var(--line);
        background: var(--surface);
      }

      .agent {
        align-items: flex-end;
      }

      .agent .line {
        background: var(--accent-soft);
      }

      .system {
        align-items: center;
      }

      .system .line {
        color: var(--muted);
        font-style: italic;
      }

      .interim {
        color: var(--muted);
      }

      mark {
        border-block-end: 1px solid var(--mark-line);
        background: var(--mark);
        color: var(--ink);
      }

      mark.sought {
        border-radius: 2px;
        outline: 2px solid var(--mark-line);
        background: var(--sought);
      }

      .latest {
        position: absolute;
        inset-block-end: 8px;
        inset-inline-end: 16px;
        box-shadow: var(--shadow);
      }

      @media (forced-colors: active) {
        .agent .line {
          border-color: CanvasText;
        }
      }
    `,
  ];
}

function lineOf(line: Line, starts: boolean, quotes: readonly Quote[], sought: Quote | null) {
  return html`<div
    class="turn ${line.party}"
    data-testid="line"
    data-segment=${line.segment_id}
    data-party=${line.party}
    data-final=${line.final}
  >
    ${
      starts
        ? html`<p class="who">${PARTY_WORD[line.party]}<span class="numbers">${clockWords(line.start_ms)}</span></p>`
        : html`<span class="unseen">${PARTY_WORD[line.party]}: </span>`
    }
    <p class="line ${line.final ? "" : "interim"}" dir="auto">
      ${pieces(line.text, quotes, sought).map((piece) =>
        piece.marked ? html`<mark class=${piece.sought ? "sought" : ""}>${piece.text}</mark>` : piece.text,
      )}${line.final ? nothing : html`<span aria-hidden="true"> …</span>`}
    </p>
  </div>`;
}
