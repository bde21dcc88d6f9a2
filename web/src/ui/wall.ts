// The board on a wall: read from five metres, by people who are doing something else. No controls, no customers' words.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Alerts, Kept } from "../alerts";
import type { Status } from "../connection";
import type { Floor } from "../floor";
import type { BoardRow } from "../protocol";
import { hottest, pressing } from "../wall";
import { BAND_WORD, BANDS, clockWords, codeWords, lostWords, trendWord } from "../words";
import { alertShape, bandShape, spark } from "./shapes";
import { base } from "./styles";

@customElement("rtig-wall")
export class WallView extends LitElement {
  /** The rows that are wanted here, in their order. */
  @property({ attribute: false }) rows: readonly BoardRow[] = [];
  @property({ attribute: false }) floor!: Floor;
  @property({ attribute: false }) alerts!: Alerts;
  @property({ attribute: false }) status: Status = { phase: "idle" };
  /** The calls have been told. */
  @property({ type: Boolean }) fetched = false;
  /** Which calls these are, where they are not all. */
  @property({ attribute: false }) which = "";
  @property({ attribute: false }) now = 0;

  override render() {
    const counts = new Map(BANDS.map((band) => [band, 0]));
    for (const row of this.rows) counts.set(row.band, counts.get(row.band)! + 1);
    const alerts = pressing(this.alerts.listed(this.now).filter(({ alert }) => this.#here(alert.call_id)));
    return html`<main data-testid="wall">
      <header>
        <h1>${this.which || "Live calls"} <span class="numbers" data-testid="wall-count">${this.rows.length}</span></h1>
        <p class="numbers clock">${new Date(this.now).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}</p>
      </header>
      <div role="status">${this.#connection()}</div>
      <ul class="bands" aria-label="Calls by mood">
        ${BANDS.map((band) => {
          const count = counts.get(band)!;
          return html`<li class="${band} ${count ? "some" : ""}" data-testid="wall-band" data-band=${band}>
            ${bandShape(band)} <strong class="numbers">${count}</strong> <span>${BAND_WORD[band]}</span>
          </li>`;
        })}
      </ul>
      ${alerts.shown.length ? this.#alerts(alerts.shown, alerts.more) : nothing} ${this.#calls()}
    </main>`;
  }

  /** Whether a call's alerts are to be seen here: all are, unless this wall is for some calls only. */
  #here(callId: string): boolean {
    return !this.which || this.rows.some((row) => row.call_id === callId);
  }

  /** Said loudly: figures that stand still look like figures that are right. */
  #connection() {
    const { status } = this;
    if (status.phase === "live") return nothing;
    const words =
      status.phase === "stopped"
        ? codeWords(status.code, status.message)
        : status.phase === "lost"
          ? lostWords(status.code)
          : "Connecting…";
    const stale = this.fetched ? " What stands here is no longer true." : "";
    return html`<p class="lost" data-testid="wall-lost">${words.replace(/[.…]$/, "")}.${stale}</p>`;
  }

  #alerts(shown: Kept[], more: number) {
    return html`<section aria-labelledby="alerts">
      <h2 id="alerts">Alerts</h2>
      <ul>
        ${shown.map(({ alert, raisedAt, stateAt }) => {
          const row = this.floor.row(alert.call_id);
          const open = alert.state === "open";
          return html`<li class="line ${open ? "critical open" : "taken"}" data-testid="wall-alert" data-state=${alert.state}>
            ${alertShape(alert.state)}
            <strong class="clip">${alert.title}</strong>
            <span class="clip who">${[row?.agent || alert.call_id, row?.queue].filter(Boolean).join(" · ")}</span>
            <span class="numbers since"
              >${open ? "open" : `taken${alert.by ? ` by ${alert.by}` : ""}`}
              ${clockWords(this.now - (open ? raisedAt : stateAt))}</span
            >
          </li>`;
        })}
      </ul>
      ${more ? html`<p class="more">and ${more} more</p>` : nothing}
    </section>`;
  }

  #calls() {
    const rows = hottest(this.rows);
    if (!rows.length) {
      return html`<p class="quiet" data-testid="wall-quiet">
        ${this.fetched ? (this.rows.length ? "Nobody is upset." : "No live calls.") : "Waiting for the server."}
      </p>`;
    }
    return html`<section aria-labelledby="hottest">
      <h2 id="hottest">${rows[0]!.band === "tense" ? "Tense" : "Hottest"}</h2>
      <ul>
        ${rows.map(
          (row) =>
            html`<li class="line ${row.band}" data-testid="wall-row" data-call-id=${row.call_id}>
              ${bandShape(row.band)}
              <strong class="clip">${row.agent || row.call_id}</strong>
              <span class="clip who">${row.reason}${row.queue ? html` <span class="dim">· ${row.queue}</span>` : nothing}</span>
              <span class="trend">${spark(row.spark)}<span class="unseen">${trendWord(row.spark)}</span></span>
              <span class="numbers since">${this.#since(row)}</span>
            </li>`,
        )}
      </ul>
    </section>`;
  }

  #since(row: BoardRow) {
    const red = this.floor.red(row.call_id, this.now);
    return red ? html`${clockWords(red)}<span class="unseen"> in the red</span>` : nothing;
  }

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        block-size: 100%;
        container-type: size;
      }

      /* Letters of a fortieth of the screen's height: on one of 60 cm, read from five metres. */
      main {
        display: flex;
        flex-direction: column;
        gap: 2cqmin;
        min-block-size: 0;
        padding: 2.5cqmin 3cqmin;
        overflow: hidden;
        font-size: max(1rem, 3cqmin);
        line-height: 1.25;
      }

      header {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
      }

      h1,
      .clock {
        font-size: 1.2em;
        font-weight: 650;
      }

      h2 {
        margin-block-end: 0.5cqmin;
        color: var(--muted);
        font-size: 0.75em;
        font-weight: 600;
      }

      .lost {
        padding: 0.4em 0.8em;
        border-radius: 0.3em;
        background: var(--critical);
        color: var(--surface);
        font-weight: 700;
      }

      .bands {
        display: grid;
        grid-template-columns: repeat(4, minmax(0, 1fr));
        gap: 1.5cqmin;
      }

      .bands li {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0 0.4em;
        padding: 0.3em 0.6em;
        border: 2px solid var(--line);
        border-radius: 0.4em;
        background: var(--surface);
        color: var(--muted);
      }

      .bands .some {
        border-color: transparent;
        background: var(--mood-soft);
        color: var(--mood);
      }

      .bands :is(.critical, .frustrated).some {
        background: var(--mood);
        color: var(--surface);
      }

      .bands strong {
        font-size: 2em;
        line-height: 1.1;
      }

      ul {
        display: grid;
        gap: 0.8cqmin;
      }

      .line {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) minmax(0, 2.4fr) auto minmax(4.2em, auto);
        gap: 0.6em;
        align-items: center;
        padding: 0.35em 0.6em;
        border-radius: 0.3em;
        background: var(--surface);
      }

      .line > .shape {
        color: var(--mood, var(--muted));
      }

      .line:is(.critical, .frustrated) {
        background: var(--mood-soft);
        box-shadow: inset 0.25em 0 var(--mood);
      }

      .line:is(.critical, .frustrated) > :is(strong, .since) {
        color: var(--mood);
      }

      section:first-of-type .line:is(.open, .taken) {
        grid-template-columns: auto minmax(0, 1fr) fit-content(35%) auto;
      }

      .dim,
      .more,
      .taken > * {
        color: var(--muted);
      }

      .since {
        font-weight: 650;
        text-align: end;
      }

      .more {
        font-size: 0.8em;
      }

      .quiet {
        margin: auto;
        color: var(--calm);
        font-size: 1.6em;
        font-weight: 600;
      }

      .spark {
        display: block;
        inline-size: 5em;
        block-size: 1.3em;
        fill: var(--mood);
      }

      .spark .base {
        stroke: var(--line);
      }

      .spark polyline {
        fill: none;
        stroke: var(--mood);
        stroke-width: 2;
        stroke-linejoin: round;
      }

      /* On a telephone the page is scrolled. */
      @media (max-width: 700px) {
        :host {
          block-size: auto;
          min-block-size: 100%;
          container-type: inline-size;
        }

        main {
          overflow: visible;
        }
      }

      @container (max-width: 700px) {
        .bands {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }

        .bands li {
          flex-wrap: nowrap;
          gap: 0.3em;
          padding-inline: 0.4em;
        }

        .bands strong {
          font-size: 1.5em;
        }

        .line:nth-child(n),
        section:first-of-type .line:is(.open, .taken) {
          grid-template-columns: auto minmax(0, 1fr) auto;
        }

        .trend {
          display: none;
        }

        .who {
          grid-row: 2;
          grid-column: 2 / -1;
        }

        .clip {
          white-space: normal;
        }
      }

      @media (forced-colors: active) {
        .lost,
        .line,
        .bands li {
          border: 2px solid CanvasText;
        }

        .lost,
        .bands li {
          background: Canvas !important;
          color: CanvasText !important;
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
