// The live calls as a table that is drawn where it is looked at: a thousand calls cost no more than a screenful.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import { type Floor, isRed } from "../floor";
import type { BoardRow } from "../protocol";
import { BAND_WORD, clockWords, trendWord } from "../words";
import { sweep } from "./markers";
import { bandShape, bar, spark } from "./shapes";
import { base } from "./styles";

/** Open the call of a row. */
export class RowOpen extends Event {
  readonly callId: string;

  constructor(callId: string) {
    super("rtig-open", { bubbles: true, composed: true });
    this.callId = callId;
  }
}

/** The rows that must not move now: the one under the pointer and the one with the focus. */
export class RowsHeld extends Event {
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super("rtig-held", { bubbles: true, composed: true });
    this.ids = ids;
  }
}

const COLUMNS = ["Mood", "Score", "Last minutes", "In the red", "Agent", "Queue", "Why", "Time"];
/** Rows drawn before and behind those in sight, so that a turn of the wheel, or a step of the keyboard, finds them. */
const AHEAD = 8;
/** Until the first rows stand and can be measured. */
const FIRST_DRAWN = 30;
const FIRST_PITCH = 46;

/** A row by its place, or a gap that takes the room of many. */
interface Drawn {
  key: number | "above" | "between" | "below";
  rows: number;
}

@customElement("rtig-rows")
export class RowsView extends LitElement {
  /** In the order in which they are to stand. */
  @property({ attribute: false }) rows: readonly BoardRow[] = [];
  @property({ attribute: false }) floor!: Floor;
  @property({ attribute: false }) now = 0;
  /** The call that is open beside the list. */
  @property({ attribute: false }) current = "";
  /** Places that are in sight, and some around them. */
  @state() private first = 0;
  @state() private last = FIRST_DRAWN;
  @query(".rows") private scroller!: HTMLElement;
  @query("tbody") private body!: HTMLElement;

  #pointed = "";
  #focused = "";
  /** From one row's upper edge to the next one's, in pixels. */
  #pitch = FIRST_PITCH;
  #measured = false;
  /** How many rows a screen takes. */
  #page = 1;
  /** How far below the board's upper edge the list began. */
  #top = 0;
  /** How far the list was scrolled: one that has grown is not scrolled as far any more, before anybody hears of it. */
  #scrolled = 0;
  /** By how much the rows are moved to stay under the pointer when the list is not, and how many they keep room for. */
  #shift = 0;
  #room = 0;
  /** How many rows each gap stands for, and the places that are drawn. */
  #gaps: number[] = [];
  #places = new Set<number>();
  #coming = false;
  #resized = new ResizeObserver(() => this.#look());

  /** Brings the keyboard to a row, wherever it is; false where the call has none. */
  async enter(callId: string): Promise<boolean> {
    if (!this.rows.some((row) => row.call_id === callId)) return false;
    this.#focused = callId;
    this.requestUpdate();
    // Twice, where others have to go first.
    while (!(await this.updateComplete));
    this.renderRoot.querySelector<HTMLElement>(`tr[data-call-id="${CSS.escape(callId)}"] button`)?.focus();
    return true;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // Where the page scrolls instead of the list: a low window, or the page that the board is a part of.
    addEventListener("scroll", this.#look, { capture: true, passive: true });
    if (this.hasUpdated) this.#resized.observe(this.scroller);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("scroll", this.#look, { capture: true });
    this.#resized.disconnect();
  }

  override firstUpdated(): void {
    this.#resized.observe(this.scroller);
  }

  override updated(): void {
    sweep(this.body);
    // The content policy allows no `style` attribute, but a property.
    this.renderRoot.querySelectorAll<HTMLElement>(".gap").forEach((gap, i) => {
      gap.style.blockSize = `${(this.#gaps[i] ?? 0) * this.#pitch}px`;
    });
    if (this.#coming) this.requestUpdate();
    // Where a row was measured already, scrolling and resizing tell all that matters; to look is to lay out at once.
    if (!this.#measured) this.#look();
  }

  /** Roles are spelt out because rows are laid out as grids, which cost less than a table and can be blocks. */
  override render() {
    return html`<div class="rows" @scroll=${this.#look}>
      <table
        role="table"
        aria-label="Live calls, most frustrated customers first"
        aria-rowcount=${this.rows.length + 1}
        @pointerleave=${() => this.#point("")}
      >
        <thead role="rowgroup">
          <tr role="row" aria-rowindex="1">
            ${COLUMNS.map((name) => html`<th role="columnheader" scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody role="rowgroup" @keydown=${this.#key}>
          ${this.#drawn()}
        </tbody>
      </table>
    </div>`;
  }

  /** Each row's elements belong to its place: what holds its place under a hand keeps its elements, and so the focus. */
  #drawn() {
    const count = this.rows.length;
    let places: number[] = [];
    for (let place = Math.max(0, this.first); place < Math.min(count, this.last); place += 1) places.push(place);
    const held = this.#focused ? this.rows.findIndex((row) => row.call_id === this.#focused) : -1;
    if (held >= 0 && !places.includes(held)) {
      places.push(held);
      places.sort((a, b) => a - b);
    }
    // `repeat` moves elements that could stay when some go and others come at once, and one that is moved loses the
    // focus. So they go first, and the others come before anything is painted.
    const staying = places.filter((place) => this.#places.has(place));
    this.#coming = held >= 0 && staying.length < places.length && staying.length < this.#places.size;
    if (this.#coming) places = staying;
    this.#places = new Set(places);
    const drawn: Drawn[] = [];
    let next = 0;
    for (const place of places) {
      if (place > next || !drawn.length) drawn.push({ key: drawn.length ? "between" : "above", rows: place - next });
      drawn.push({ key: place, rows: 1 });
      next = place + 1;
    }
    // Under the pointer a list that gets shorter must not slide down.
    if (this.#pointed) this.#room = Math.max(this.#room, count);
    drawn.push({ key: "below", rows: Math.max(count, this.#room) - next });
    this.#gaps = drawn.filter(({ key }) => typeof key === "string").map(({ rows }) => rows);
    return repeat(
      drawn,
      ({ key }) => key,
      ({ key }) =>
        typeof key === "string"
          ? html`<tr class="gap" role="none" aria-hidden="true"></tr>`
          : this.#guarded(this.rows[key]!, key),
    );
  }

  /** Drawn when something of it has changed; where nobody sees it yet, once a second is enough. */
  #guarded(row: BoardRow, place: number) {
    const { call_id } = row;
    const seen = place >= this.first + AHEAD && place < this.last - AHEAD;
    const over = !this.floor.row(call_id);
    const time = over ? "–" : clockWords(this.floor.clock(call_id, this.now));
    const ms = this.floor.red(call_id, this.now);
    const red = ms ? clockWords(ms) : "";
    const parts = [call_id, seen ? row : Math.floor(this.now / 1000), over, time, red, call_id === this.current];
    return guard(parts, () => this.#row(row, place, over, time, red));
  }

  #row(row: BoardRow, place: number, over: boolean, time: string, red: string) {
    const alone = isRed(row.band) && row.reading === "words";
    return html`<tr
      role="row"
      aria-rowindex=${place + 2}
      class="${row.band} ${over ? "over" : ""} ${row.call_id === this.current ? "current" : ""}"
      data-testid="board-row"
      data-call-id=${row.call_id}
      data-band=${row.band}
      data-place=${place}
      @pointerenter=${() => this.#point(row.call_id)}
      @focusin=${() => this.#focus(row.call_id)}
      @focusout=${() => this.#focused === row.call_id && this.#focus("")}
      @click=${() => this.#open(row.call_id)}
    >
      <td role="cell" class="mood">
        <span class="band" data-testid="mood-band" data-band=${row.band}
          >${bandShape(row.band)} ${BAND_WORD[row.band]}</span
        >
      </td>
      <td role="cell" class="score"><span class="numbers">${Math.round(row.score * 100)}</span>${bar(row.score)}</td>
      <td role="cell" class="trend">${spark(row.spark)}<span class="unseen">${trendWord(row.spark)}</span></td>
      <td role="cell" class="red numbers" data-testid="red">
        ${red ? html`${red}<span class="unit"> in the red</span>` : html`<span class="muted none">–</span>`}
      </td>
      <td role="cell" class="agent">
        <button
          type="button"
          class="name clip"
          aria-label="Open the call of ${row.agent || row.call_id}"
          aria-pressed=${row.call_id === this.current}
          title=${row.call_id}
          @click=${(event: Event) => {
            event.stopPropagation();
            this.#open(row.call_id);
          }}
        >
          ${row.agent || row.call_id}
        </button>
      </td>
      <td role="cell" class="queue">
        <span class="clip">${row.queue || "–"}</span><span class="clip muted small">${row.customer}</span>
      </td>
      <td role="cell" class="reason">
        <span class="why ${alone ? "short" : ""}" title=${row.reason}
          >${over ? "Call ended" : row.reason || html`<span class="muted none">–</span>`}</span
        >
        ${alone && !over ? html`<span class="alone muted" data-testid="words-alone">from words alone</span>` : nothing}
      </td>
      <td role="cell" class="time numbers">${time}</td>
    </tr>`;
  }

  #open(callId: string): void {
    this.dispatchEvent(new RowOpen(callId));
  }

  #point(callId: string): void {
    this.#pointed = callId;
    if (!callId) {
      this.#move(0);
      this.#room = 0;
    }
    this.#hold();
  }

  #focus(callId: string): void {
    this.#focused = callId;
    this.#hold();
  }

  /** What comes or goes above the list, an alert say, moves the list, but not the rows under a pointer. */
  #stay(): void {
    const board = this.getRootNode() instanceof ShadowRoot ? (this.getRootNode() as ShadowRoot).host : document.body;
    const top = this.scroller.getBoundingClientRect().top - board.getBoundingClientRect().top;
    const moved = top - this.#top;
    this.#top = top;
    // Where the page scrolls instead of the list, the browser holds on to what is in sight.
    if (!moved || !this.#pointed || getComputedStyle(this.scroller).overflowY === "visible") return;
    this.scroller.scrollTop = this.#scrolled + moved;
    this.#move(this.#shift - moved + this.scroller.scrollTop - this.#scrolled);
    this.#scrolled = this.scroller.scrollTop;
  }

  #move(shift: number): void {
    this.#shift = shift;
    this.body.style.translate = shift ? `0 ${shift}px` : "";
  }

  #hold(): void {
    this.dispatchEvent(new RowsHeld([this.#pointed, this.#focused].filter(Boolean)));
  }

  /** A row, a screen, all the way up or down, from a row that has the focus; the tab key goes on as everywhere. */
  #key = (event: KeyboardEvent) => {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>("tr[data-place]") : null;
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const place = Number(row.dataset.place);
    const last = this.rows.length - 1;
    const to = {
      ArrowUp: place - 1,
      ArrowDown: place + 1,
      PageUp: place - this.#page,
      PageDown: place + this.#page,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const wanted = this.rows[Math.min(last, Math.max(0, to))];
    if (wanted) void this.enter(wanted.call_id);
  };

  /** Sees which places are in sight, and how high a row is, which depends on the width and the reader's font. */
  #look = (): void => {
    if (!this.hasUpdated) return;
    this.#stay();
    const [one, two] = this.renderRoot.querySelectorAll("tr[data-place]");
    const consecutive = one && two && Number(two.getAttribute("data-place")) === Number(one.getAttribute("data-place")) + 1;
    const top = (row: Element) => row.getBoundingClientRect().top;
    const pitch = consecutive ? top(two) - top(one) : this.#pitch;
    const seen = this.scroller.getBoundingClientRect();
    const begins = this.body.getBoundingClientRect().top;
    if (!pitch || !seen.height) return;
    this.#measured ||= !!consecutive;
    if (pitch !== this.#pitch) {
      this.#pitch = pitch;
      this.requestUpdate();
    }
    const [from, to] = [Math.max(0, seen.top), Math.min(innerHeight, seen.bottom)];
    this.#scrolled = this.scroller.scrollTop;
    this.#page = Math.max(1, Math.floor((to - from) / pitch) - 1);
    this.first = Math.floor((from - begins) / pitch) - AHEAD;
    this.last = Math.ceil((to - begins) / pitch) + AHEAD;
    this.#room = Math.min(this.#room, this.last - AHEAD);
  };

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        min-block-size: 0;
        container-type: inline-size;
      }

      .rows {
        position: relative;
        min-block-size: 0;
        padding: 0 20px 20px;
        overflow-y: auto;
        overflow-anchor: none;
      }

      table,
      thead,
      tbody {
        display: block;
      }

      table {
        --columns: 8.2rem 5.4rem 7.6rem 6rem minmax(0, 3fr) minmax(0, 3fr) minmax(0, 7fr) 4.6rem;
        font-size: 0.9375rem;
      }

      tr {
        display: grid;
        grid-template-columns: var(--columns);
      }

      thead {
        position: sticky;
        inset-block-start: 0;
        z-index: 1;
        border-block-end: 1px solid var(--line);
        background: var(--ground);
      }

      th {
        padding: 10px;
        color: var(--muted);
        font-size: 0.75rem;
        font-weight: 600;
        text-align: start;
        white-space: nowrap;
      }

      tbody tr[data-place] {
        block-size: 2.875rem;
        contain: strict;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
        cursor: pointer;
      }

      /* Blocks in the row's grid: a grid in each cell would take twice as long to lay out. */
      td {
        display: block;
        align-self: center;
        min-inline-size: 0;
        padding: 0 10px;
      }

      tbody tr.critical {
        background: color-mix(in srgb, var(--surface), var(--critical-soft) 70%);
      }

      tbody tr[data-place]:hover {
        background: color-mix(in srgb, var(--surface), var(--accent-soft) 55%);
      }

      tbody tr.current[data-place] {
        background: var(--accent-soft);
      }

      tbody tr:is(.frustrated, .critical) {
        box-shadow: inset 4px 0 var(--mood);
      }

      /* Calm is the ground that the others stand out from. */
      tbody tr.calm :is(.band, .score, .time) {
        color: var(--muted);
      }

      tbody tr.calm .band {
        background: none;
      }

      tbody tr.over {
        color: var(--muted);
        box-shadow: none;
      }

      .band {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        padding: 2px 9px 2px 7px;
        border-radius: 20px;
        background: var(--mood-soft);
        color: var(--mood);
        font-size: 0.8125rem;
        font-weight: 600;
      }

      .critical .band {
        background: var(--mood);
        color: var(--surface);
      }

      .score {
        font-size: 0.875rem;
      }

      :is(.frustrated, .critical) > :is(.score, .red) {
        font-weight: 650;
      }

      .bar {
        display: block;
        inline-size: 100%;
        block-size: 5px;
        margin-block-start: 2px;
        border-radius: 3px;
      }

      .rail {
        fill: var(--line);
      }

      .fill {
        fill: var(--mood);
      }

      .spark {
        display: block;
        inline-size: 94px;
        block-size: 24px;
        fill: var(--mood);
      }

      .spark .base {
        stroke: var(--line);
      }

      .spark polyline {
        fill: none;
        stroke: var(--mood);
        stroke-width: 1.5;
        stroke-linejoin: round;
      }

      .name {
        display: block;
        max-inline-size: 100%;
        padding-inline: 0;
        border: 0;
        background: none;
        font-size: inherit;
        font-weight: 600;
      }

      .name:hover,
      .name[aria-pressed="true"] {
        background: none;
        color: inherit;
        text-decoration: underline;
        text-underline-offset: 3px;
      }

      .over .name {
        color: inherit;
      }

      .queue .clip {
        display: block;
      }

      .why {
        display: -webkit-box;
        overflow: hidden;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
        font-size: 0.875rem;
        line-height: 1.35;
      }

      .why.short {
        -webkit-line-clamp: 1;
      }

      .alone {
        font-size: 0.75rem;
      }

      .unit {
        display: none;
      }

      @container (max-width: 1020px) {
        table {
          --columns: 8.2rem 4.6rem 6rem minmax(0, 3fr) minmax(0, 3fr) minmax(0, 6fr) 4.6rem;
        }

        :is(th, td):nth-child(3) {
          display: none;
        }
      }

      @container (max-width: 720px) {
        .rows {
          padding: 8px 10px 12px;
        }

        thead {
          position: absolute;
          inline-size: 1px;
          block-size: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }

        tbody tr[data-place] {
          grid-template:
            "agent agent time" 1.75rem
            "mood score trend" 1.75rem
            "reason reason reason" 1.3rem
            "queue queue red" 1.25rem / auto minmax(0, 1fr) auto;
          gap: 4px 10px;
          align-items: center;
          block-size: 8rem;
          margin-block-end: 8px;
          padding: 7px 12px;
          border: 1px solid var(--line);
          border-radius: var(--radius);
        }

        tbody tr.current[data-place] {
          border-color: var(--accent);
        }

        td:nth-child(n) {
          display: block;
          padding: 0;
        }

        .mood {
          grid-area: mood;
        }

        .agent {
          grid-area: agent;
        }

        .time {
          grid-area: time;
        }

        td.score {
          display: grid;
          grid-area: score;
          grid-template-columns: 1.6rem minmax(0, 1fr);
          align-items: center;
          gap: 8px;
        }

        .bar {
          margin: 0;
        }

        .trend {
          grid-area: trend;
        }

        .spark {
          inline-size: 72px;
        }

        .time,
        .red {
          text-align: end;
        }

        td.reason {
          display: flex;
          grid-area: reason;
          gap: 8px;
          align-items: baseline;
          justify-content: space-between;
        }

        .why {
          -webkit-line-clamp: 1;
        }

        .alone {
          flex: none;
        }

        td.queue {
          display: flex;
          grid-area: queue;
          gap: 8px;
          align-items: baseline;
          min-inline-size: 0;
          font-size: 0.8125rem;
        }

        .red {
          grid-area: red;
          font-size: 0.8125rem;
        }

        .unit {
          display: inline;
        }

        .red .none {
          display: none;
        }
      }

      /* The reason comes before what it was taken from. */
      @container (max-width: 359px) {
        .spark {
          inline-size: 48px;
        }

        .alone {
          position: absolute;
          clip-path: inset(50%);
        }
      }

      @media (max-height: 540px) {
        .rows {
          overflow: visible;
        }

        thead {
          position: static;
        }
      }

      @media (forced-colors: active) {
        tbody tr:is(.frustrated, .critical) {
          border-inline-start: 4px solid CanvasText;
        }

        tbody tr .band:nth-child(n) {
          border: 1px solid CanvasText;
          background: Canvas;
          color: CanvasText;
        }

        tr.current {
          outline: 2px solid Highlight;
          outline-offset: -2px;
        }

        .fill {
          fill: CanvasText;
        }

        .rail {
          fill: Canvas;
          stroke: CanvasText;
        }

        .spark {
          fill: CanvasText;
        }

        .spark polyline {
          stroke: CanvasText;
        }
      }
    `,
  ];
}
