// Begins some work on recorded calls, says how far it has come, and ends it.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import type { Job, LaneIs } from "../../protocol";
import { base } from "../styles";
import { counted, findings, look, whenWords } from "./look";

export class Begin extends Event {
  readonly calls: number;
  readonly meaning: boolean;

  constructor(calls: number, meaning: boolean) {
    super("rtig-begin", { bubbles: true, composed: true });
    this.calls = calls;
    this.meaning = meaning;
  }
}

export class Cancel extends Event {
  constructor() {
    super("rtig-cancel", { bubbles: true, composed: true });
  }
}

const CALLS = [50, 200, 1000, 5000];

@customElement("rtig-author-job")
export class JobView extends LitElement {
  @property({ attribute: false }) job: Job | null = null;
  /** What the button says. */
  @property({ attribute: false }) verb = "";
  /** Whether a model may take part; then the lane says whether there is one. */
  @property({ attribute: false }) meaningful = false;
  @property({ attribute: false }) lane: LaneIs["state"] = "off";
  @property({ attribute: false }) problem = "";
  @query("select") private calls!: HTMLSelectElement;
  @query("#meaning") private meaning!: HTMLInputElement | null;

  override render() {
    const running = this.job?.state === "running";
    return html`<form class="panel" @submit=${this.#begin}>
      <div class="field">
        <label for="calls">The last</label>
        <select id="calls" ?disabled=${running} data-testid="calls">
          ${CALLS.map((number) => html`<option value=${number} ?selected=${number === 200}>${counted(number, "call")}</option>`)}
        </select>
      </div>
      ${this.meaningful ? this.#model(running) : nothing}
      ${
        running
          ? html`<button type="button" data-testid="cancel" @click=${() => this.dispatchEvent(new Cancel())}>Cancel</button>`
          : html`<button type="submit" class="main" data-testid="begin">${this.verb}</button>`
      }
      <p class="told small" role="status" data-testid="job" data-state=${this.job?.state ?? ""}>${this.#told()}</p>
      ${running && this.job ? html`<span class="small muted numbers" aria-hidden="true">${howFar(this.job)}</span>` : nothing}
      ${
        running && this.job?.total
          ? html`<progress aria-label="Calls looked at" max=${this.job.total} value=${this.job.done}></progress>`
          : nothing
      }
      ${this.job?.state === "failed" && this.job.errors.length ? findings(this.job.errors) : nothing}
    </form>`;
  }

  #model(running: boolean) {
    const on = this.lane === "on";
    return html`<div class="check">
      <input id="meaning" type="checkbox" ?checked=${on} ?disabled=${running || !on} aria-describedby="model" />
      <label for="meaning">Read what is meant</label>
      <span id="model" class="small muted"
        >${on ? "takes longer" : this.lane === "off" ? "meaning is off on this server" : "the model is not ready"}</span
      >
    </div>`;
  }

  #told(): string {
    const { job } = this;
    if (this.problem) return this.problem;
    if (!job) return "";
    switch (job.state) {
      case "running":
        return job.done ? "Looking through the calls…" : "Getting ready…";
      case "done":
        return `Looked at ${counted(job.total, "call")}, ${whenWords(job.began_at)}`;
      case "cancelled":
        return "Ended before it was done, or its result is not kept any more.";
      default:
        return `It failed. ${job.problem}`;
    }
  }

  #begin = (event: Event) => {
    event.preventDefault();
    this.dispatchEvent(new Begin(Number(this.calls.value), this.meaning?.checked ?? false));
  };

  static override styles = [
    base,
    look,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 16px;
        align-items: center;
      }

      .field,
      .check {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
      }

      button {
        min-block-size: 34px;
      }

      .told {
        flex: 1 1 12rem;
        color: var(--muted);
      }

      .told[data-state="failed"] {
        color: var(--critical);
      }

      .findings {
        flex: 1 0 100%;
      }

      progress {
        flex: 1 0 100%;
        block-size: 6px;
        accent-color: var(--accent);
      }
    `,
  ];
}

/** For the eye; a screen reader asks the progress bar. */
function howFar(job: Job): string {
  return `${job.done.toLocaleString("en")} of ${counted(job.total, "call")}`;
}
