// The authors' page: what is in use, what is wrong, a sentence to try, and what recorded calls say of the rules.
// The knowledge base is a folder that authors keep in git; nothing here edits it.

import { css, html, nothing, type PropertyValues } from "lit";
import { customElement, query, state } from "lit/decorators.js";
import { ask } from "./asking";
import { Embeddable } from "./outside";
import { hashOf, type Place, placeIn, type View, VIEWS } from "./place";
import type { Gaps, Job, JobWanted, Knowledge, Outcomes, Report, RuleLine, ServerMessage } from "./protocol";
import type { Begin } from "./ui/author/job";
import { counted, whenWords } from "./ui/author/look";
import type { Wanted } from "./ui/author/outcomes";
import { Entrance } from "./ui/entrance";
import { base, tokens } from "./ui/styles";
import { codeWords } from "./words";
import "./ui/author/backtest";
import "./ui/author/gaps";
import "./ui/author/job";
import "./ui/author/outcomes";
import "./ui/author/state";
import "./ui/author/try";

const VIEW_WORD: Record<View, string> = {
  state: "State",
  try: "Try a sentence",
  outcomes: "How they did",
  backtest: "Backtest",
  gaps: "Gaps",
};

type Kind = Job["kind"];

interface Results {
  outcomes?: Outcomes | undefined;
  backtest?: Report | undefined;
  gaps?: Gaps | undefined;
}

const VERB: Record<Kind, string> = {
  outcomes: "Count",
  backtest: "Backtest",
  gaps: "Look for gaps",
};

@customElement("rtig-author")
export class AuthorPage extends Embeddable {
  @state() private knowledge: Knowledge | null = null;
  @state() private rules: readonly RuleLine[] = [];
  @state() private place: Place = placeIn(location.hash);
  @state() private jobs: Partial<Record<Kind, Job>> = {};
  @state() private results: Results = {};
  @state() private problems: Partial<Record<Kind, string>> = {};
  @query("main") private main!: HTMLElement | null;

  #entrance = new Entrance(this, "author");
  /** Jobs whose result is here or on its way. */
  #fetched = new Set<string>();

  /** Authors have no call on screen. */
  open(): void {}

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("hashchange", this.#moved);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("hashchange", this.#moved);
  }

  welcomed(): void {
    // A server that was started again knows nothing of the jobs before; those that there are follow.
    this.jobs = {};
  }

  told(message: ServerMessage): void {
    switch (message.type) {
      case "knowledge":
        if (message.knowledge.version !== this.knowledge?.version || !message.knowledge.linting) void this.#fetchRules();
        this.knowledge = message.knowledge;
        return;
      case "job":
        this.jobs = { ...this.jobs, [message.job.kind]: message.job };
        // Its result is not kept: a call of it may have been erased.
        if (message.job.state === "cancelled" && this.#fetched.has(message.job.id)) {
          this.results = { ...this.results, [message.job.kind]: undefined };
        }
        return;
      case "error":
        this.#entrance.say(codeWords(message.code, message.message));
        return;
      default:
    }
  }

  left(): void {
    this.knowledge = null;
    this.rules = [];
    this.jobs = {};
    this.results = {};
    this.problems = {};
    this.#fetched.clear();
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    const wrong = this.knowledge?.errors.length ? `(${this.knowledge.errors.length}) ` : "";
    void this.#fetchResult();
    document.title = `${wrong}${VIEW_WORD[this.place.view]} · Knowledge base · rtig`;
  }

  override render() {
    const form = this.#entrance.form("Knowledge base for authors");
    if (form) return form;
    return html`<div class="page">
      <header>
        <h1>Knowledge base</h1>
        <p class="summary small ${this.knowledge?.errors.length ? "wrong" : ""}" role="status" data-testid="summary">
          ${this.#summary()}
        </p>
        <nav aria-label="Views">
          ${VIEWS.map(
            (view) => html`<a
              href=${hashOf({ ...this.place, view })}
              aria-current=${this.place.view === view ? "page" : nothing}
              data-testid="nav-${view}"
              >${VIEW_WORD[view]}</a
            >`,
          )}
        </nav>
      </header>
      <main tabindex="-1">
        <div class="view">
          <h2 class="unseen">${VIEW_WORD[this.place.view]}</h2>
          ${this.#view()}
        </div>
      </main>
      ${this.#entrance.strip("")}
    </div>`;
  }

  #summary() {
    const { knowledge } = this;
    if (!knowledge) return "";
    const loaded = `loaded at ${whenWords(knowledge.loaded_at)}`;
    return knowledge.errors.length
      ? html`<a href=${hashOf({ ...this.place, view: "state" })}
          >${counted(knowledge.errors.length, "mistake")} in the folder: ${knowledge.version}, ${loaded}, stays in use</a
        >`
      : html`${knowledge.name} · ${knowledge.version} in use, ${loaded}`;
  }

  #view() {
    switch (this.place.view) {
      case "try":
        return html`<rtig-author-try
          .key=${this.#entrance.key}
          .version=${this.knowledge?.version ?? ""}
          .lane=${this.#entrance.lane}
          .rules=${this.rules}
        ></rtig-author-try>`;
      case "outcomes":
        return html`${this.#job("outcomes")}
          <rtig-author-outcomes
            .outcomes=${this.results.outcomes ?? null}
            .place=${this.place}
            .rules=${this.rules}
            .version=${this.knowledge?.version ?? ""}
            @rtig-wanted=${this.#want}
          ></rtig-author-outcomes>`;
      case "backtest":
        return html`${this.#job("backtest")}
          <rtig-author-backtest
            .report=${this.results.backtest ?? null}
            .knowledge=${this.knowledge}
          ></rtig-author-backtest>`;
      case "gaps":
        return html`${this.#job("gaps")} <rtig-author-gaps .gaps=${this.results.gaps ?? null}></rtig-author-gaps>`;
      default:
        return html`<rtig-author-state .knowledge=${this.knowledge}></rtig-author-state>`;
    }
  }

  #job(kind: Kind) {
    return html`<rtig-author-job
      .job=${this.jobs[kind] ?? null}
      .verb=${VERB[kind]}
      .meaningful=${kind !== "outcomes"}
      .lane=${this.#entrance.lane}
      .problem=${this.problems[kind] ?? ""}
      @rtig-begin=${(event: Begin) => this.#begin({ kind, calls: event.calls, meaning: event.meaning })}
      @rtig-cancel=${() => this.#cancel(kind)}
    ></rtig-author-job>`;
  }

  async #begin(wanted: JobWanted): Promise<void> {
    this.problems = { ...this.problems, [wanted.kind]: "" };
    try {
      const job = await ask<Job>(this.#entrance.key, "jobs", { method: "POST", body: wanted });
      // The socket may have told more of it already.
      if (this.jobs[wanted.kind]?.id !== job.id) this.jobs = { ...this.jobs, [wanted.kind]: job };
    } catch (error) {
      this.problems = { ...this.problems, [wanted.kind]: (error as Error).message };
    }
  }

  async #cancel(kind: Kind): Promise<void> {
    const job = this.jobs[kind];
    try {
      if (job) await ask<Job>(this.#entrance.key, `jobs/${job.id}`, { method: "DELETE" });
    } catch (error) {
      this.problems = { ...this.problems, [kind]: (error as Error).message };
    }
  }

  /** Only what is looked at is fetched: each reading of customers' words is noted. */
  async #fetchResult(): Promise<void> {
    const kind = this.place.view;
    if (kind === "state" || kind === "try") return;
    const job = this.jobs[kind];
    if (job?.state !== "done" || this.#fetched.has(job.id)) return;
    this.#fetched.add(job.id);
    try {
      const result = await ask<Outcomes & Report & Gaps>(this.#entrance.key, `jobs/${job.id}/result`);
      this.results = { ...this.results, [kind]: result };
    } catch (error) {
      this.problems = { ...this.problems, [kind]: (error as Error).message };
    }
  }

  #want = (event: Wanted) => {
    this.place = { ...this.place, ...event.change };
    history.replaceState(history.state, "", hashOf(this.place));
  };

  #moved = () => {
    const before = this.place.view;
    this.place = placeIn(location.hash);
    if (this.place.view !== before) {
      void this.updateComplete.then(() => {
        if (this.main) this.main.scrollTop = 0;
      });
    }
  };

  async #fetchRules(): Promise<void> {
    try {
      this.rules = await ask<RuleLine[]>(this.#entrance.key, "rules");
    } catch {
      // The next state of the knowledge base asks again.
    }
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
        display: grid;
        grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr);
        block-size: 100%;
      }

      header {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 16px;
        align-items: baseline;
        padding: 12px max(20px, (100% - 84rem) / 2 + 20px) 0;
        border-block-end: 1px solid var(--line);
        background: var(--surface);
      }

      h1 {
        font-size: 1.0625rem;
        font-weight: 650;
      }

      .summary {
        flex: 1 1 16rem;
        min-block-size: 1.2rem;
        color: var(--muted);
        overflow-wrap: anywhere;
      }

      .summary.wrong a {
        color: var(--critical);
        font-weight: 600;
      }

      nav {
        display: flex;
        flex: 1 0 100%;
        flex-wrap: wrap;
        gap: 0 4px;
        margin-inline-start: -10px;
      }

      nav a {
        padding: 7px 10px;
        border-block-end: 3px solid transparent;
        color: var(--muted);
        font-size: 0.875rem;
        text-decoration: none;
      }

      nav a:hover {
        color: var(--ink);
        background: var(--accent-soft);
      }

      nav a[aria-current] {
        border-color: var(--accent);
        color: var(--ink);
        font-weight: 600;
      }

      main {
        overflow-y: auto;
      }

      main:focus {
        outline: none;
      }

      .view {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 12px;
        max-inline-size: 84rem;
        margin-inline: auto;
        padding: 16px 20px 28px;
      }

      @media (max-width: 760px) {
        header {
          padding: 8px 10px 0;
        }

        nav {
          margin-inline-start: -5px;
        }

        nav a {
          padding: 6px 5px;
          font-size: 0.8125rem;
        }

        .view {
          padding: 10px 10px 20px;
        }
      }

      @media (max-height: 540px) {
        :host,
        .page {
          block-size: auto;
          min-block-size: 100%;
        }

        main {
          overflow: visible;
        }
      }

      @media (forced-colors: active) {
        nav a[aria-current] {
          border-color: Highlight;
        }
      }
    `,
  ];
}
