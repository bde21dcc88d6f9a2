// The supervisors' board: live calls, hottest first, and one of them opened beside the list.

import { css, html, nothing, type PropertyValues } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { Alerts, keyOf } from "./alerts";
import { Call } from "./call";
import { Floor } from "./floor";
import { type Deed, freshId, Outbox } from "./outbox";
import { Embeddable } from "./outside";
import type { Alert, BoardRow, ServerMessage } from "./protocol";
import type { AlertAct, AlertCall } from "./ui/alerts";
import { Entrance } from "./ui/entrance";
import type { CallPanel, SayToAgent } from "./ui/panel";
import { bandShape, bar, spark } from "./ui/shapes";
import { base, tokens } from "./ui/styles";
import { BAND_WORD, BANDS, clockWords, codeWords, trendWord } from "./words";
import "./ui/alerts";
import "./ui/panel";

const TICK_MS = 1_000;

@customElement("rtig-board")
export class BoardPage extends Embeddable {
  @state() private filter = "";
  @state() private fetched = false;
  @state() private sending = "";
  @query("rtig-call-panel") private panel!: CallPanel | null;

  #entrance = new Entrance(this, "supervisor");
  #outbox = new Outbox((message) => this.#entrance.connection.send(message));
  #floor = new Floor();
  #alerts = new Alerts();
  /** The alerts whose answer the server has not taken yet. */
  #answering = new Set<string>();
  #news = "";
  #open: Call | null = this.#entrance.call ? new Call(this.#entrance.call) : null;
  /** The rows as drawn, so that a place under the pointer can be named. */
  #rows: BoardRow[] = [];
  #pointed = "";
  #focused = "";
  #ticker = 0;

  constructor() {
    super();
    this.#outbox.onTaken = (deed) => this.#settled(deed, "Sent.");
    this.#outbox.onRefused = (deed, code, message) => this.#settled(deed, `Not sent. ${codeWords(code, message)}`);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticker = setInterval(() => this.requestUpdate(), TICK_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticker);
  }

  welcomed(): void {
    const { connection } = this.#entrance;
    connection.send({ type: "watch_board" });
    if (this.#open && !this.#open.ended) connection.send(this.#open.watch());
    this.#outbox.resume();
  }

  told(message: ServerMessage): void {
    const now = Date.now();
    if (this.#outbox.take(message)) return;
    switch (message.type) {
      case "board":
        this.#floor.take(message, now);
        this.#tellNews(this.#alerts.take(message, now, (id) => this.#floor.clock(id, now)));
        for (const alert of message.alerts) this.#answering.delete(keyOf(alert));
        this.fetched = true;
        return;
      case "guidance":
      case "start_over":
      case "caught_up":
        if (message.call_id === this.#open?.id) this.#open.take(message, now);
        return;
      case "error":
        if (message.code === "unknown_call" && message.call_id === this.#open?.id) this.#open.gone = true;
        this.#entrance.say(codeWords(message.code, message.message));
        return;
      default:
    }
  }

  left(): void {
    this.#floor = new Floor();
    this.#alerts = new Alerts();
    this.#answering.clear();
    this.#news = "";
    this.#open = null;
    this.fetched = false;
  }

  override willUpdate(): void {
    const needle = this.filter.trim().toLowerCase();
    const wanted = (row: BoardRow) => !needle || `${row.queue}\n${row.agent}`.toLowerCase().includes(needle);
    this.#rows = this.#floor.ordered(Date.now(), wanted, this.#focused || this.#pointed);
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    const hot = this.#floor.rows().filter((row) => row.band === "critical" || row.band === "frustrated").length;
    if (!__EMBEDDED__) document.title = `${hot ? `(${hot}) ` : ""}Board · rtig`;
  }

  override render() {
    const form = this.#entrance.form("Board for supervisors");
    if (form) return form;
    return html`<div class="page" @keydown=${this.#key}>
      <rtig-alerts
        .alerts=${this.#alerts}
        .row=${(id: string) => this.#floor.row(id)}
        .now=${Date.now()}
        .news=${this.#news}
        .me=${this.#entrance.agent}
        .current=${this.#open?.id ?? ""}
        .sending=${new Set(this.#answering)}
        @rtig-alert=${this.#act}
        @rtig-alert-call=${(event: AlertCall) => this.#show(event.callId)}
      ></rtig-alerts>
      <main class=${this.#open ? "opened" : ""}>
        <h1 class="unseen">Board</h1>
        <div class="list">
          ${this.#head()}
          <div class="rows">${this.#rows.length ? this.#table() : this.#empty()}</div>
        </div>
        ${
          this.#open
            ? html`<section aria-label="Call">
                <rtig-call-panel
                  data-testid="panel"
                  .call=${this.#open}
                  .version=${this.#open.version}
                  .row=${this.#floor.row(this.#open.id)}
                  .now=${Date.now()}
                  .sending=${this.sending}
                  @rtig-close=${this.#close}
                  @rtig-say=${this.#say}
                ></rtig-call-panel>
              </section>`
            : nothing
        }
      </main>
      ${this.#entrance.strip(this.#entrance.agent)}
    </div>`;
  }

  #head() {
    const counts = new Map(BANDS.map((band) => [band, 0]));
    for (const row of this.#floor.rows()) counts.set(row.band, (counts.get(row.band) ?? 0) + 1);
    return html`<header>
      <h2>Live calls <span class="muted numbers" data-testid="call-count">${this.#floor.size}</span></h2>
      <ul class="bands" aria-label="Calls by mood">
        ${BANDS.map((band) => {
          const count = counts.get(band) ?? 0;
          return html`<li class="${band} ${count ? "some" : ""}" data-testid="band-count" data-band=${band}>
            ${bandShape(band)} <strong class="numbers">${count}</strong> ${BAND_WORD[band]}
          </li>`;
        })}
      </ul>
      <label>
        <span class="unseen">Only calls of this queue or agent</span>
        <input
          type="search"
          placeholder="Queue or agent"
          spellcheck="false"
          data-testid="filter"
          .value=${this.filter}
          @input=${(event: InputEvent) => (this.filter = (event.target as HTMLInputElement).value)}
        />
      </label>
    </header>`;
  }

  #empty() {
    const words =
      this.filter.trim() && this.#floor.size
        ? ["No call matches", "Clear the filter to see all calls."]
        : this.fetched
          ? ["No live calls", "Calls appear here as soon as somebody speaks."]
          : ["", this.#entrance.connection.status.phase === "live" ? "Fetching the calls…" : "Waiting for the server."];
    return html`<div class="empty" data-testid="empty">
      ${words[0] ? html`<h2>${words[0]}</h2>` : nothing}
      <p class="muted">${words[1]}</p>
    </div>`;
  }

  /**
   * Drawn by place, not by call: the row under the pointer or the focus keeps its place, so its elements are not moved
   * either. Roles are spelt out because a narrow screen lays the table out as a list of blocks.
   */
  #table() {
    const now = Date.now();
    return html`<table
      role="table"
      aria-label="Live calls, most frustrated customers first"
      @pointerleave=${this.#unpoint}
    >
      <thead role="rowgroup">
        <tr role="row">
          ${["Mood", "Score", "Last minutes", "Agent", "Queue", "Why", "Time", "Cards"].map(
            (name) => html`<th role="columnheader" scope="col">${name}</th>`,
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${this.#rows.map((row) => this.#row(row, now))}
      </tbody>
    </table>`;
  }

  #row(row: BoardRow, now: number) {
    return html`<tr
      role="row"
      class="${row.band} ${row.call_id === this.#open?.id ? "current" : ""}"
      data-testid="board-row"
      data-call-id=${row.call_id}
      data-band=${row.band}
      @pointerenter=${() => this.#hold(row.call_id)}
      @focusin=${() => (this.#focused = row.call_id)}
      @focusout=${() => (this.#focused = "")}
      @click=${() => this.#show(row.call_id)}
    >
      <td role="cell" class="mood">
        <span class="band" data-testid="mood-band" data-band=${row.band}
          >${bandShape(row.band)} ${BAND_WORD[row.band]}</span
        >
      </td>
      <td role="cell" class="score"><span class="numbers">${Math.round(row.score * 100)}</span>${bar(row.score)}</td>
      <td role="cell" class="trend">${spark(row.spark)}<span class="unseen">${trendWord(row.spark)}</span></td>
      <td role="cell" class="agent">
        <button
          type="button"
          class="name clip"
          aria-label="Open the call of ${row.agent || row.call_id}"
          aria-pressed=${row.call_id === this.#open?.id}
          title=${row.call_id}
          @click=${(event: Event) => {
            event.stopPropagation();
            this.#show(row.call_id);
          }}
        >
          ${row.agent || row.call_id}
        </button>
      </td>
      <td role="cell" class="queue">
        <span class="clip">${row.queue || "–"}</span><span class="clip muted small">${row.customer}</span>
      </td>
      <td role="cell" class="reason">
        <span title=${row.reason}>${row.reason || html`<span class="muted">–</span>`}</span>
      </td>
      <td role="cell" class="time numbers">${clockWords(this.#floor.clock(row.call_id, now))}</td>
      <td role="cell" class="cards numbers">
        ${row.cards}<span class="unit muted small"> ${row.cards === 1 ? "card" : "cards"}</span>
      </td>
    </tr>`;
  }

  #hold(id: string): void {
    this.#pointed = id;
  }

  #unpoint = () => {
    this.#pointed = "";
  };

  open(callId: string): void {
    this.#show(callId);
  }

  #show(id: string): void {
    const { connection } = this.#entrance;
    if (this.#open?.id !== id) {
      if (this.#open) connection.send({ type: "unwatch", call_id: this.#open.id });
      this.#open = new Call(id);
      this.sending = "";
      connection.send(this.#open.watch());
      if (!__EMBEDDED__) history.replaceState(history.state, "", `#${new URLSearchParams({ call: id })}`);
    }
    this.requestUpdate();
    void this.updateComplete.then(() => this.panel?.enter());
  }

  #close = () => {
    if (!this.#open) return;
    const { id } = this.#open;
    this.#entrance.connection.send({ type: "unwatch", call_id: id });
    this.#open = null;
    this.#pointed = "";
    if (!__EMBEDDED__) history.replaceState(history.state, "", location.pathname + location.search);
    this.requestUpdate();
    void this.updateComplete.then(() => {
      const row = this.renderRoot.querySelector<HTMLElement>(`tr[data-call-id="${CSS.escape(id)}"] button`);
      (row ?? this.renderRoot.querySelector("input"))?.focus();
    });
  };

  #key = (event: KeyboardEvent) => {
    if (event.key === "Escape" && this.#open) this.#close();
  };

  #say = (event: SayToAgent) => {
    if (!this.#open) return;
    this.sending =
      this.#entrance.connection.status.phase === "live" ? "Sending…" : "Goes out when the connection is back.";
    this.#outbox.say({ type: "say_to_agent", call_id: this.#open.id, whisper_id: freshId(), text: event.text });
  };

  #act = ({ kept, action }: AlertAct) => {
    this.#alerts.answered(kept.key);
    this.#answering.add(kept.key);
    const { call_id, id } = kept.alert;
    this.#outbox.say({ type: "answer_alert", call_id, alert_id: id, action, answer_id: freshId() });
    if (this.#entrance.connection.status.phase !== "live") {
      this.#entrance.say("Your answer goes out when the connection is back.");
    }
    this.requestUpdate();
  };

  #tellNews(opened: Alert[]): void {
    if (!opened.length) return;
    const of = (alert: Alert) => `${alert.title}, ${this.#floor.row(alert.call_id)?.agent || alert.call_id}`;
    this.#news = `${opened.length > 1 ? "New alerts" : "New alert"}: ${opened.map(of).join("; ")}`;
  }

  /** A deed was taken, or will never be. */
  #settled(deed: Deed, words: string): void {
    if (deed.type !== "answer_alert") {
      this.sending = words;
      return;
    }
    // One that was taken shows when the alert comes in its new state.
    if (words === "Sent.") return;
    this.#answering.delete(`${deed.call_id} ${deed.alert_id}`);
    this.#entrance.say(words);
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
        grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
        block-size: 100%;
      }

      main {
        display: grid;
        grid-template: minmax(0, 1fr) / minmax(0, 1fr);
        min-block-size: 0;
      }

      .list {
        display: grid;
        grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
        min-block-size: 0;
      }

      section {
        display: grid;
        min-block-size: 0;
        border-inline-start: 1px solid var(--line);
      }

      header {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 20px;
        padding: 12px 20px;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      header h2 {
        color: var(--ink);
        font-size: 1.0625rem;
        font-weight: 650;
      }

      .bands {
        display: flex;
        flex: 1 1 auto;
        flex-wrap: wrap;
        gap: 6px;
      }

      .bands li {
        display: flex;
        align-items: center;
        gap: 5px;
        padding: 3px 10px;
        border: 1px solid transparent;
        border-radius: 20px;
        color: var(--muted);
        font-size: 0.8125rem;
      }

      .bands .some {
        background: var(--mood-soft);
        color: var(--mood);
      }

      input {
        inline-size: 13rem;
        max-inline-size: 100%;
        min-block-size: 34px;
        padding: 4px 10px;
        border: 1px solid var(--edge);
        border-radius: 7px;
        background: var(--ground);
        font-size: 0.875rem;
      }

      input::placeholder {
        color: var(--muted);
        opacity: 1;
      }

      .rows {
        position: relative;
        min-block-size: 0;
        padding: 0 20px 20px;
        overflow-y: auto;
      }

      .empty {
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 4px;
        min-block-size: 60%;
        padding: 40px 10px;
        text-align: center;
      }

      .empty h2 {
        color: var(--ink);
        font-size: 1rem;
      }

      table {
        inline-size: 100%;
        border-collapse: separate;
        border-spacing: 0;
        table-layout: fixed;
        font-size: 0.9375rem;
      }

      th {
        position: sticky;
        inset-block-start: 0;
        z-index: 1;
        padding: 10px;
        border-block-end: 1px solid var(--line);
        background: var(--ground);
        color: var(--muted);
        font-size: 0.75rem;
        font-weight: 600;
        text-align: start;
      }

      th:nth-child(1) {
        inline-size: 8.2rem;
      }

      th:nth-child(2) {
        inline-size: 6rem;
      }

      th:nth-child(3) {
        inline-size: 7.6rem;
      }

      th:nth-child(4),
      th:nth-child(5) {
        inline-size: 15%;
      }

      th:nth-child(7) {
        inline-size: 5rem;
      }

      th:nth-child(8) {
        inline-size: 4rem;
      }

      tbody tr {
        block-size: 54px;
        cursor: pointer;
      }

      td {
        padding: 4px 10px;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      tr:hover td {
        background: color-mix(in srgb, var(--surface), var(--accent-soft) 55%);
      }

      tr.current td {
        background: var(--accent-soft);
      }

      :is(.frustrated, .critical) > .mood {
        box-shadow: inset 4px 0 var(--mood);
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
        transition:
          background-color 600ms,
          color 600ms;
      }

      .score {
        font-size: 0.875rem;
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

      .queue .clip {
        display: block;
      }

      /* Two lines at most: rows of one height keep their places. */
      .reason > span {
        display: -webkit-box;
        overflow: hidden;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
        font-size: 0.875rem;
        line-height: 1.35;
      }

      .unit {
        display: none;
      }

      @media (min-width: 1000px) {
        .opened {
          grid-template-columns: minmax(0, 1fr) minmax(25rem, 32%);
        }

        /* The open call tells the rest. */
        .opened :is(th, td):is(:nth-child(3), :nth-child(8)) {
          display: none;
        }
      }

      @media (max-width: 999px) {
        .opened .list {
          display: none;
        }

        section {
          border: 0;
        }
      }

      @media (max-width: 760px) {
        header {
          gap: 8px 12px;
          padding: 10px 12px;
        }

        .bands {
          order: 3;
          flex-basis: 100%;
          gap: 4px;
        }

        .bands li {
          padding-inline: 8px;
        }

        label {
          flex: 1;
          min-inline-size: 8rem;
        }

        input {
          inline-size: 100%;
        }

        .rows {
          padding: 8px 10px 12px;
        }

        table,
        tbody {
          display: block;
        }

        thead {
          position: absolute;
          display: block;
          inline-size: 1px;
          block-size: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }

        tbody tr {
          display: grid;
          grid-template:
            "agent agent time" 28px
            "mood score trend" 28px
            "reason reason reason" 1.3rem
            "queue queue cards" 20px / auto minmax(0, 1fr) auto;
          gap: 4px 10px;
          align-items: center;
          block-size: auto;
          margin-block-end: 8px;
          padding: 8px 12px;
          border: 1px solid var(--line);
          border-radius: var(--radius);
          background: var(--surface);
        }

        tbody tr:is(.frustrated, .critical) {
          border-inline-start: 4px solid var(--mood);
        }

        tbody tr.current {
          border-color: var(--accent);
        }

        td {
          padding: 0;
          border: 0 !important;
          background: none !important;
          box-shadow: none !important;
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

        .score {
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
        .cards {
          text-align: end;
        }

        .reason {
          grid-area: reason;
        }

        .reason > span {
          -webkit-line-clamp: 1;
        }

        .queue {
          display: flex;
          grid-area: queue;
          gap: 8px;
          align-items: baseline;
          min-inline-size: 0;
          font-size: 0.8125rem;
        }

        .cards {
          grid-area: cards;
          font-size: 0.8125rem;
        }

        .unit {
          display: inline;
        }
      }

      @media (max-height: 540px) {
        :host,
        .page {
          block-size: auto;
          min-block-size: 100%;
        }

        .rows {
          overflow: visible;
        }

        th {
          position: static;
        }
      }

      @media (forced-colors: active) {
        :is(.frustrated, .critical) > .mood {
          border-inline-start: 4px solid CanvasText;
        }

        .band,
        .bands li {
          border: 1px solid CanvasText;
        }

        tr.current td {
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
