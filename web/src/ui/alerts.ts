// The strip of alerts above the board's rows: what is wrong, in which call, since when, and who has it.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { guard } from "lit/directives/guard.js";
import { repeat } from "lit/directives/repeat.js";
import type { Alerts, Kept } from "../alerts";
import type { AnswerAlert, BoardRow } from "../protocol";
import { ALERT_OVER, BAND_WORD, clockWords } from "../words";
import { sweep } from "./markers";
import { alertShape, bandShape } from "./shapes";
import { base } from "./styles";

/** What a supervisor does about an alert. */
export class AlertAct extends Event {
  readonly kept: Kept;
  readonly action: AnswerAlert["action"];

  constructor(kept: Kept, action: AnswerAlert["action"]) {
    super("rtig-alert", { bubbles: true, composed: true });
    this.kept = kept;
    this.action = action;
  }
}

/** Go to the call of an alert. */
export class AlertCall extends Event {
  readonly callId: string;

  constructor(callId: string) {
    super("rtig-alert-call", { bubbles: true, composed: true });
    this.callId = callId;
  }
}

/** So many of the alerts are shown until all are asked for: what one person can see to, and what leaves the rows room. */
const FEW = 5;

@customElement("rtig-alerts")
export class AlertsView extends LitElement {
  @property({ attribute: false }) alerts!: Alerts;
  @property({ attribute: false }) row: (callId: string) => BoardRow | undefined = () => undefined;
  @property({ attribute: false }) now = 0;
  /** The reader's own name, as others see it. */
  @property({ attribute: false }) me = "";
  /** Said to who cannot see the strip: the alerts that have just opened. */
  @property({ attribute: false }) news = "";
  /** The call that is open beside the list. */
  @property({ attribute: false }) current = "";
  @property({ type: Boolean, reflect: true }) all = false;
  /** Alerts whose answer is on its way. */
  @property({ attribute: false }) sending: ReadonlySet<string> = new Set();
  @state() private pointed = false;
  @state() private focused = false;

  /** The alert whose button was pressed, and the one that had the focus: a button that goes takes the focus with it. */
  #refocus = "";
  #had = "";

  override render() {
    const listed = this.alerts.listed(this.now, this.pointed || this.focused);
    return html`<p class="unseen" role="status" data-testid="alert-news">${this.news}</p>
      ${listed.length ? this.#list(listed) : nothing}`;
  }

  override willUpdate(): void {
    this.#had = this.#active?.closest("li")?.dataset.key ?? "";
  }

  override updated(): void {
    sweep(this.renderRoot.querySelector("ul"));
    const pressed = this.#refocus;
    if (pressed && this.sending.has(pressed)) return;
    this.#refocus = "";
    const key = pressed || this.#had;
    if (!key || this.#active) return;
    const item = `li${pressed ? ":not(.resolved)" : ""}[data-key="${CSS.escape(key)}"]`;
    const next = this.renderRoot.querySelector<HTMLElement>(`${item} .title`);
    (next ?? this.renderRoot.querySelector<HTMLElement>("h2"))?.focus();
  }

  get #active(): Element | null {
    return this.shadowRoot?.activeElement ?? null;
  }

  #list(listed: Kept[]) {
    const { open, acknowledged } = this.alerts;
    const shown = this.all ? listed : listed.slice(0, FEW);
    const counts = [open ? `${open} open` : "", acknowledged ? `${acknowledged} taken` : ""].filter(Boolean).join(", ");
    return html`<section
      aria-labelledby="heading"
      data-testid="alerts"
      @pointerenter=${() => (this.pointed = true)}
      @pointerleave=${() => (this.pointed = false)}
      @focusin=${this.#focusIn}
      @focusout=${() => (this.focused = false)}
    >
      <header>
        <h2 id="heading" tabindex="-1">
          Alerts <span class="muted numbers" data-testid="alert-count">${counts || "none open"}</span>
        </h2>
        ${
          listed.length > FEW
            ? html`<button
                type="button"
                class="numbers"
                data-testid="alerts-all"
                aria-expanded=${this.all}
                @click=${() => (this.all = !this.all)}
              >
                ${this.all ? "Show fewer" : `${listed.length - FEW} more`}
              </button>`
            : nothing
        }
      </header>
      <ul>
        ${repeat(
          shown,
          (kept) => kept.key,
          (kept) => {
            const row = this.row(kept.alert.call_id);
            const { alert, key } = kept;
            const seen = [alert, row?.agent, row?.queue, this.#seconds(kept), this.sending.has(key)];
            return guard([...seen, alert.call_id === this.current], () => this.#item(kept));
          },
        )}
      </ul>
    </section>`;
  }

  #item(kept: Kept) {
    const { alert, key } = kept;
    const row = this.row(alert.call_id);
    const agent = row?.agent || alert.call_id;
    const which = `${alert.title}, ${agent}`;
    const busy = this.sending.has(key);
    const words = [...alert.why.words.map((quote) => quote.text.trim()), alert.text]
      .filter(Boolean)
      .map((text) => `“${text}”`)
      .join(" … ");
    return html`<li
      class="${alert.state} ${alert.state === "open" ? alert.level : ""} ${alert.call_id === this.current ? "current" : ""}"
      data-testid="alert"
      data-state=${alert.state}
      data-alert-id=${alert.id}
      data-call-id=${alert.call_id}
      data-key=${key}
    >
      <span class="state" data-testid="alert-state">${alertShape(alert.state)} ${this.#state(kept)}</span>
      <span class="what">
        <button
          type="button"
          class="title"
          data-testid="alert-call"
          aria-label="${alert.title}: open the call of ${agent}"
          @click=${() => this.dispatchEvent(new AlertCall(alert.call_id))}
        >
          ${alert.title}
        </button>
        <span class="where">
          <strong>${agent}</strong>${row?.queue ? ` · ${row.queue}` : ""} ·
          <span class="level ${alert.level}">${bandShape(alert.level)} ${BAND_WORD[alert.level]}</span>
          when raised${alert.raised > 1 ? ` the ${ordinal(alert.raised)} time` : ""}
        </span>
        <span class="why muted small" title=${alert.why.condition}>${words || sentence(alert.why.condition)}</span>
      </span>
      ${
        alert.state === "resolved"
          ? nothing
          : html`<span class="acts">
              ${
                alert.state === "open"
                  ? html`<button
                      type="button"
                      class="main"
                      data-testid="alert-take"
                      aria-label="I’ll take it: ${which}"
                      ?disabled=${busy}
                      @click=${() => this.#act(kept, "acknowledge")}
                    >
                      I’ll take it
                    </button>`
                  : nothing
              }
              <button
                type="button"
                data-testid="alert-resolve"
                aria-label="Resolved: ${which}"
                ?disabled=${busy}
                @click=${() => this.#act(kept, "resolve")}
              >
                Resolved
              </button>
            </span>`
      }
    </li>`;
  }

  /** For how long it has been in its state; all that passing time changes of what is seen. */
  #seconds({ alert, raisedAt, stateAt }: Kept): string {
    return clockWords(this.now - (alert.state === "open" ? raisedAt : stateAt));
  }

  #state(kept: Kept) {
    const { alert } = kept;
    const since = html`<span class="numbers">${this.#seconds(kept)}</span>`;
    // Somebody else may have been first; without names there is no telling.
    const who = this.alerts.mine(kept) && alert.by === this.me ? "you" : alert.by || "a supervisor";
    switch (alert.state) {
      case "open":
        return html`<span>Open for ${since}</span>`;
      case "acknowledged":
        return html`<span>Taken by ${who} for ${since}</span>`;
      case "resolved":
        return html`<span>Resolved${alert.reason === "handled" ? ` by ${who}` : (ALERT_OVER[alert.reason] ?? "")}</span>`;
    }
  }

  /** Only a keyboard's focus is a place that the reader is at; a click leaves it behind anywhere. */
  #focusIn = ({ target }: FocusEvent) => {
    this.focused = target instanceof Element && target.matches("li :focus-visible");
  };

  #act(kept: Kept, action: AnswerAlert["action"]): void {
    this.#refocus = kept.key;
    this.dispatchEvent(new AlertAct(kept, action));
  }

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        container-type: inline-size;
        min-block-size: 0;
        max-block-size: min(40vh, 17rem);
      }

      section {
        min-block-size: 0;
        padding: 8px 20px 10px;
        overflow-y: auto;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      :host([all]) {
        max-block-size: 60vh;
      }

      header {
        position: sticky;
        inset-block-start: -8px;
        z-index: 1;
        display: flex;
        align-items: center;
        justify-content: space-between;
        min-block-size: 34px;
        margin-block-start: -8px;
        background: var(--surface);
      }

      h2 {
        color: var(--ink);
        font-size: 0.9375rem;
        font-weight: 650;
      }

      h2 .muted {
        font-weight: 400;
      }

      ul {
        display: grid;
        gap: 5px;
      }

      li {
        display: grid;
        grid-template-columns: 10.5rem minmax(0, 1fr) auto;
        gap: 2px 14px;
        align-items: center;
        padding: 6px 10px;
        border: 1px solid var(--line);
        border-inline-start: 5px solid var(--edge);
        border-radius: 8px;
        background: var(--ground);
      }

      /* Of some hundred only those in sight are laid out and painted. */
      :host([all]) li {
        content-visibility: auto;
        contain-intrinsic-block-size: auto 44px;
      }

      .open {
        border-inline-start-color: var(--critical);
        background: var(--critical-soft);
      }

      li.current {
        outline: 2px solid var(--accent);
        outline-offset: -1px;
      }

      .state {
        display: flex;
        gap: 7px;
        align-items: center;
        font-size: 0.8125rem;
        font-weight: 600;
        overflow-wrap: anywhere;
      }

      .open > .state {
        color: var(--critical);
      }

      :is(.acknowledged, .resolved) > .state {
        color: var(--muted);
      }

      .resolved .title {
        font-weight: 400;
      }

      .what {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 1px 12px;
        align-items: baseline;
        min-inline-size: 0;
      }

      .title {
        grid-column: 1 / -1;
        justify-self: start;
        min-block-size: 24px;
        padding: 0;
        border: 0;
        background: none;
        font-size: 0.9375rem;
        font-weight: 650;
        text-align: start;
      }

      .title:hover {
        background: none;
        text-decoration: underline;
        text-underline-offset: 3px;
      }

      .where {
        font-size: 0.8125rem;
      }

      .level {
        color: var(--mood);
        white-space: nowrap;
      }

      .open .muted {
        color: var(--ink);
      }

      .why {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }

      .acts {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
        justify-content: end;
      }

      /* One line each, where there is room: ten at once must not take the rows' place. */
      @container (min-width: 1200px) {
        li {
          padding-block: 4px;
        }

        .what {
          grid-template-columns: minmax(0, 29rem) auto minmax(0, 1fr);
        }

        .title {
          grid-column: auto;
        }
      }

      /* Half of a telephone is for the calls. */
      @media (max-width: 760px) {
        :host {
          max-block-size: min(32vh, 15rem);
        }
      }

      @container (max-width: 760px) {
        section {
          padding: 8px 10px 10px;
        }

        :is(li, .what) {
          grid-template-columns: minmax(0, 1fr);
        }

        .acts {
          justify-content: start;
          margin-block-start: 4px;
        }

        .why {
          display: -webkit-box;
          -webkit-box-orient: vertical;
          -webkit-line-clamp: 2;
          white-space: normal;
        }
      }

      @media (max-height: 540px) {
        :host {
          max-block-size: none;
        }
      }

      @media (forced-colors: active) {
        .open {
          border-inline-start-color: Highlight;
        }
      }
    `,
  ];
}

function ordinal(count: number): string {
  const last = count % 10;
  const teen = count % 100 > 10 && count % 100 < 14;
  return `${count}${teen ? "th" : last === 1 ? "st" : last === 2 ? "nd" : last === 3 ? "rd" : "th"}`;
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
