// The board's head: how many calls of each mood there are, and which of them are to be seen.

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { EVERYTHING, type Filter, isEverything, typed } from "../filter";
import type { BoardRow } from "../protocol";
import { type Band, BAND_WORD, BANDS } from "../words";
import { alertShape, bandShape } from "./shapes";
import { base } from "./styles";

/** Another filter. While somebody types it is not `settled`: it changes with each letter. */
export class FilterChange extends Event {
  readonly filter: Filter;
  readonly settled: boolean;

  constructor(filter: Filter, settled: boolean) {
    super("rtig-filter", { bubbles: true, composed: true });
    this.filter = filter;
    this.settled = settled;
  }
}

/** More names than these help nobody to choose. */
const MOST_NAMES = 200;

@customElement("rtig-filters")
export class FiltersView extends LitElement {
  @property({ attribute: false }) filter: Filter = EVERYTHING;
  @property({ attribute: false }) counts!: Record<Band, number>;
  /** All calls, and those that the filter lets through. */
  @property({ attribute: false }) size = 0;
  @property({ attribute: false }) shown = 0;
  /** How many calls have an alert. */
  @property({ attribute: false }) alerting = 0;
  @property({ attribute: false }) rows: () => readonly BoardRow[] = () => [];
  @query("select") private select!: HTMLSelectElement | null;
  @state() private agents: readonly string[] = [];
  #queues: readonly string[] = [];

  override focus(): void {
    this.renderRoot.querySelector("input")?.focus();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    // Names that change in an open list cannot be chosen.
    if (changed.has("size") && !this.select?.matches(":focus")) this.#queues = this.#names((row) => row.queue);
  }

  override render() {
    const { filter, size, shown } = this;
    const all = isEverything(filter);
    const queues = filter.queue && !this.#queues.includes(filter.queue) ? [filter.queue, ...this.#queues] : this.#queues;
    return html`<header>
      <h2>
        Live calls
        <span class="muted numbers" data-testid="call-count">${all ? size : `${shown} of ${size}`}</span>
      </h2>
      <div class="bands" role="group" aria-label="Calls by mood">
        ${BANDS.map((band) => {
          const count = this.counts[band];
          return html`<button
            type="button"
            class="chip ${band} ${count ? "some" : ""}"
            data-testid="band-count"
            data-band=${band}
            title="Only these"
            aria-pressed=${filter.bands.includes(band)}
            @click=${() => this.#toggle(band)}
          >
            ${bandShape(band)} <strong class="numbers">${count}</strong> ${BAND_WORD[band]}
          </button>`;
        })}
        <button
          type="button"
          class="chip critical ${this.alerting ? "some" : ""}"
          data-testid="only-alerts"
          title="Only these"
          aria-pressed=${filter.alerts}
          @click=${() => this.#choose({ alerts: !filter.alerts })}
        >
          ${alertShape("open")} <strong class="numbers">${this.alerting}</strong> <span class="word">With an alert</span>
        </button>
      </div>
      <div class="fields">
        ${
          filter.agent
            ? html`<button
                type="button"
                class="chip"
                data-testid="chosen-agent"
                aria-label="Agent ${filter.agent}: show all agents again"
                @click=${() => this.#choose({ agent: "" })}
              >
                ${filter.agent} <span aria-hidden="true">✕</span>
              </button>`
            : nothing
        }
        <label>
          <span class="unseen">Queue</span>
          <select
            data-testid="queue"
            @change=${(event: Event) => this.#choose({ queue: (event.target as HTMLSelectElement).value })}
          >
            <option value="" ?selected=${!filter.queue}>All queues</option>
            ${queues.map((name) => html`<option value=${name} ?selected=${name === filter.queue}>${name}</option>`)}
          </select>
        </label>
        <label>
          <span class="unseen">Only calls of this queue or agent</span>
          <input
            type="search"
            placeholder="Queue or agent"
            title="Also queue:billing, agent:desk-1, band:critical, has:alert"
            spellcheck="false"
            autocomplete="off"
            list="agents"
            data-testid="filter"
            .value=${filter.words}
            @focus=${() => (this.agents = this.#names((row) => row.agent).slice(0, MOST_NAMES))}
            @input=${(event: InputEvent) => this.#typed(event, false)}
            @change=${(event: Event) => this.#typed(event, true)}
          />
        </label>
        <datalist id="agents">
          ${this.agents.map((name) => html`<option value="agent:${/\s/.test(name) ? `"${name}"` : name} "></option>`)}
        </datalist>
        ${
          all
            ? nothing
            : html`<button type="button" class="bare" data-testid="clear" @click=${() => this.#choose(EVERYTHING)}>
                Show all
              </button>`
        }
      </div>
    </header>`;
  }

  #toggle(band: Band): void {
    const { bands } = this.filter;
    this.#choose({ bands: BANDS.filter((each) => bands.includes(each) !== (each === band)) });
  }

  #typed(event: Event, done: boolean): void {
    const { value } = event.target as HTMLInputElement;
    const { rest, chosen } = typed(value, done);
    this.#choose({ ...chosen, words: rest }, done || rest !== value);
  }

  #choose(change: Partial<Filter>, settled = true): void {
    this.dispatchEvent(new FilterChange({ ...this.filter, ...change }, settled));
  }

  #names(of: (row: BoardRow) => string): string[] {
    const names = [...new Set(this.rows().map(of))].filter(Boolean);
    return names.sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  }

  static override styles = [
    base,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 18px;
        padding: 10px 20px;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      h2 {
        color: var(--ink);
        font-size: 1.0625rem;
        font-weight: 650;
        white-space: nowrap;
      }

      .bands {
        display: flex;
        flex: 1 1 auto;
        flex-wrap: wrap;
        gap: 6px;
      }

      .chip {
        display: flex;
        align-items: center;
        gap: 5px;
        min-block-size: 30px;
        padding: 2px 10px;
        border-color: transparent;
        border-radius: 20px;
        background: none;
        color: var(--muted);
        font-size: 0.8125rem;
      }

      .chip.some,
      .chip[aria-pressed="true"] {
        background: var(--mood-soft);
        color: var(--mood);
      }

      .chip:hover {
        border-color: currentColor;
      }

      .chip[aria-pressed="true"],
      .fields .chip {
        border: 2px solid currentColor;
        padding: 1px 9px;
      }

      .fields {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }

      input,
      select {
        max-inline-size: 100%;
        min-block-size: 34px;
        padding: 4px 10px;
        border: 1px solid var(--edge);
        border-radius: 7px;
        background: var(--ground);
        color: var(--ink);
        font: inherit;
        font-size: 0.875rem;
      }

      input {
        inline-size: 11rem;
      }

      select {
        inline-size: 8.5rem;
        padding-inline: 6px;
      }

      input::placeholder {
        color: var(--muted);
        opacity: 1;
      }

      @media (max-width: 760px) {
        header {
          gap: 6px 12px;
          padding: 8px 10px;
        }

        .bands {
          order: 3;
          flex-basis: 100%;
          gap: 4px;
        }

        .chip {
          padding-inline: 7px;
        }

        .word {
          position: absolute;
          inline-size: 1px;
          block-size: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }

        .fields {
          flex: 1 1 10rem;
          flex-wrap: nowrap;
          min-inline-size: 0;
        }

        .fields:has([data-testid="clear"]) {
          flex-basis: 100%;
        }

        .fields button {
          flex: none;
        }

        .fields label {
          flex: 1 1 5rem;
          min-inline-size: 0;
        }

        input,
        select {
          inline-size: 100%;
        }
      }

      @media (forced-colors: active) {
        .chip {
          border: 1px solid CanvasText;
        }

        .chip[aria-pressed="true"] {
          border-color: Highlight;
        }
      }
    `,
  ];
}
