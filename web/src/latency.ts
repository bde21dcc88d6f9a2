// The operator's page: whether the server is well, in one sentence; how long each stage takes; what is lost.

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, state } from "lit/decorators.js";
import { atCapacity, Health, type Level, type Loss, lost, secondsWords, timeWords } from "./health";
import { arrive, forget, keep } from "./key";
import type { Latency, Spread, StageTimes } from "./protocol";
import { session } from "./storage";
import { axis, histogram, histogramStyles } from "./ui/histogram";
import { bandShape } from "./ui/shapes";
import type { SignIn } from "./ui/sign-in";
import { base, tokens } from "./ui/styles";
import { codeWords } from "./words";
import "./ui/sign-in";

const ROLE = "operator";
const EVERY_MS = 2_000;
const PATIENCE_MS = 8_000;

const STAGE: Record<string, [name: string, what: string]> = {
  total: ["Total", "from a fragment's first byte to its card's frame"],
  decode: ["Decode", "reading the message"],
  append: ["Append", "a number in the call's log"],
  fold: ["Fold", "what the words mean"],
  encode: ["Encode", "the frame, once for all who watch"],
  write: ["Write", "to the sockets"],
  lag: ["Delay", "of the server's own beat, fifty times a second"],
  reading: ["Model lane", "from an utterance being asked for to its reading"],
};
const ORDER = Object.keys(STAGE);

const LOSS: Record<Loss, [name: string, what: string]> = {
  late: ["Late cards", "not shown, because they came too late"],
  shed: ["Shed", "utterances that waited too long for the model"],
  too_slow: ["Too slow", "connections closed because the client did not keep up"],
  refused: ["Refused", "messages that were not taken"],
};

const LANE: Record<Latency["lane"], [Level, string]> = {
  on: ["calm", "On"],
  starting: ["tense", "Starting"],
  off: ["calm", "Off"],
  down: ["critical", "Down"],
};

@customElement("rtig-latency")
export class LatencyPage extends LitElement {
  @state() private since: "minute" | "start" = "minute";
  @state() private asks = false;
  @state() private problem = "";
  @state() private news = "";

  #key = arrive(ROLE, location, (address) => history.replaceState(history.state, "", address), session).key;
  #health = new Health();
  #level: Level = "calm";
  #timer = 0;
  #asking: AbortController | null = null;

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.#seen);
    void this.#ask();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#seen);
    this.#stop();
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    const { level, words } = this.#health.verdict(Date.now());
    document.title = `${level === "calm" ? "" : "(!) "}Latency · rtig`;
    // Read out when it turns, not with each new number.
    if (level !== this.#level) this.news = words;
    this.#level = level;
  }

  override render() {
    if (this.asks) {
      return html`<rtig-sign-in
        .heading=${"Latency for operators"}
        .problem=${this.problem}
        @rtig-sign-in=${(event: SignIn) => this.#signIn(event.key)}
      ></rtig-sign-in>`;
    }
    const { level, words } = this.#health.verdict(Date.now());
    const told = this.#health.latest;
    return html`<main>
      <h1 class=${level} data-testid="verdict" data-level=${level}>${bandShape(level)} <span>${words}</span></h1>
      <p class="unseen" role="status">${this.news}</p>
      ${told ? html`${this.#now(told)} ${this.#stages(told)} ${this.#lost(told)}` : nothing}
    </main>`;
  }

  #now(told: Latency) {
    const [level, lane] = LANE[told.lane];
    const full = atCapacity(told);
    const there = Object.entries(told.connections);
    return html`<section aria-label="Now">
      <dl class="facts now">
        <div>
          <dt>Live calls</dt>
          <dd class=${full ? "critical" : "calm"}>
            <span class="numbers" data-testid="live-calls">${told.live_calls}</span>
            <span class="small ${full ? "tint" : "muted"}" data-testid="load">
              ${Math.round(told.busy * 100)} % busy, ${full ? "at capacity: new calls are refused" : "room for more"}
            </span>
          </dd>
        </div>
        <div>
          <dt>Connections</dt>
          <dd class="numbers" data-testid="connections">
            ${there.reduce((sum, [, count]) => sum + count, 0)}
            <span class="muted small">${there.map(([role, count]) => `${count} ${role}${count === 1 ? "" : "s"}`).join(", ")}</span>
          </dd>
        </div>
        <div>
          <dt>Model lane</dt>
          <dd class=${level} data-testid="lane">
            <span class="tint">${bandShape(level)}</span> ${lane}
            <span class="muted small">${told.lane_restarts ? `${told.lane_restarts} ${told.lane_restarts === 1 ? "restart" : "restarts"}` : ""}</span>
          </dd>
        </div>
        <div>
          <dt>Up</dt>
          <dd class="numbers">${secondsWords(told.up_seconds * 1000)} <span class="muted small">rtig ${told.server}</span></dd>
        </div>
      </dl>
    </section>`;
  }

  #stages(told: Latency) {
    const stages = ORDER.map((name) => told.stages.find((stage) => stage.stage === name)).filter((one) => one !== undefined);
    const choice = (since: "minute" | "start", words: string) =>
      html`<button type="button" aria-pressed=${this.since === since} @click=${() => (this.since = since)}>${words}</button>`;
    return html`<section aria-labelledby="stages">
      <div class="top">
        <h2 id="stages">How long it takes</h2>
        <div class="choice" role="group" aria-label="Over which time">
          ${choice("minute", "Last minute")} ${choice("start", "Since the start")}
        </div>
      </div>
      <table role="table" aria-labelledby="stages">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader" scope="col">Stage</th>
            <th role="columnheader" scope="col" class="drawn">
              <span class="unseen">Histogram</span>${axis(stages[0]?.minute.bars.length ?? 1, 440)}
            </th>
            ${["p50", "p95", "p99", "p99.9", "Timed"].map(
              (name) => html`<th role="columnheader" scope="col" class="number">${name}</th>`,
            )}
          </tr>
        </thead>
        <tbody role="rowgroup">
          ${stages.map((stage) => this.#stage(stage))}
        </tbody>
      </table>
      <p class="muted small">
        Bars are ${this.since === "minute" ? "the last minute, the shade behind them all since the start" : "all since the start, the shade behind them the last minute"};
        the broken line is p99. All but the delay and the model lane are timed for fragments that bring somebody a card.
      </p>
    </section>`;
  }

  #stage(stage: StageTimes) {
    const [name, what] = STAGE[stage.stage] ?? [stage.stage, ""];
    const [chosen, behind] = this.since === "minute" ? [stage.minute, stage.start] : [stage.start, stage.minute];
    const number = (of: (spread: Spread) => number) => (chosen.count ? timeWords(of(chosen)) : "–");
    return html`<tr role="row" class=${stage.stage} data-testid="stage" data-stage=${stage.stage}>
      <th role="rowheader" scope="row">${name} <span class="muted small">${what}</span></th>
      <td role="cell" class="drawn">
        ${histogram(chosen, behind)}
        <div class="narrow">${axis(chosen.bars.length, 270)}</div>
      </td>
      <td role="cell" class="number" data-name="p50">${number((spread) => spread.p50_us)}</td>
      <td role="cell" class="number" data-name="p95">${number((spread) => spread.p95_us)}</td>
      <td role="cell" class="number" data-name="p99" data-testid="p99">${number((spread) => spread.p99_us)}</td>
      <td role="cell" class="number" data-name="p99.9">${number((spread) => spread.p999_us)}</td>
      <td role="cell" class="number" data-name="Timed" data-testid="timed">${chosen.count.toLocaleString("en")}</td>
    </tr>`;
  }

  #lost(told: Latency) {
    const codes = Object.entries(told.refused).sort(([, a], [, b]) => b - a);
    return html`<section aria-labelledby="lost">
      <h2 id="lost">What is lost</h2>
      <dl class="facts">
        ${(Object.keys(LOSS) as Loss[]).map((loss) => {
          const lately = this.#health.lately(loss);
          return html`<div class=${lately && loss !== "refused" ? "tense" : ""} data-testid="lost" data-loss=${loss}>
            <dt>${LOSS[loss][0]} <span class="muted small">${LOSS[loss][1]}</span></dt>
            <dd class="numbers">
              ${lost(told, loss).toLocaleString("en")}
              <span class="small ${lately ? "lately" : "muted"}">${lately ? `${lately.toLocaleString("en")} in the last minute` : "none lately"}</span>
            </dd>
          </div>`;
        })}
      </dl>
      ${
        codes.length
          ? html`<ul class="codes small" aria-label="Refused by code" data-testid="codes">
              ${codes.map(([code, count]) => html`<li><code>${code}</code> <span class="numbers">${count.toLocaleString("en")}</span></li>`)}
            </ul>`
          : nothing
      }
    </section>`;
  }

  async #ask(): Promise<void> {
    this.#stop();
    if (document.hidden) return;
    const asking = (this.#asking = new AbortController());
    const patience = setTimeout(() => asking.abort(), PATIENCE_MS);
    const headers: Record<string, string> = this.#key ? { Authorization: `Bearer ${this.#key}` } : {};
    try {
      const answer = await fetch("api/latency", { headers, credentials: "omit", cache: "no-store", signal: asking.signal });
      const said = (await answer.json()) as Latency & { code?: string; message?: string };
      if (asking !== this.#asking) return;
      if (answer.ok) this.#health.take(said, Date.now());
      else if (answer.status === 401 || answer.status === 403) {
        this.problem = this.#key ? codeWords(said.code ?? "", said.message ?? "") : "";
        this.#signOut();
        return;
      } else this.#health.fail(codeWords(said.code ?? "", said.message ?? ""));
    } catch {
      if (asking !== this.#asking) return;
      this.#health.fail("it cannot be reached.");
    } finally {
      clearTimeout(patience);
    }
    this.requestUpdate();
    this.#timer = setTimeout(() => void this.#ask(), EVERY_MS);
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
  }

  #seen = () => {
    if (!this.asks) void this.#ask();
  };

  #signIn(key: string): void {
    keep(ROLE, key, session);
    this.#key = key;
    this.asks = false;
    void this.#ask();
  }

  #signOut(): void {
    forget(ROLE, session);
    this.#key = "";
    this.#health = new Health();
    this.asks = true;
  }

  static override styles = [
    tokens,
    base,
    histogramStyles,
    css`
      :host {
        display: block;
        min-block-size: 100%;
      }

      main {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 20px;
        max-inline-size: 76rem;
        margin-inline: auto;
        padding: 20px;
      }

      h1 {
        display: flex;
        gap: 12px;
        align-items: center;
        padding: 14px 18px;
        border: 1px solid var(--mood);
        border-radius: var(--radius);
        background: var(--mood-soft);
        color: var(--mood);
        font-size: 1.125rem;
        font-weight: 650;
        line-height: 1.35;
      }

      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 10px;
      }

      .facts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
        gap: 10px;
        margin: 0;
      }

      .facts > div {
        display: grid;
        align-content: space-between;
        gap: 2px;
        padding: 10px 14px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }

      .now > div {
        align-content: start;
      }

      .now .small {
        display: block;
      }

      .facts > .tense {
        border-color: var(--tense);
        background: var(--tense-soft);
      }

      .facts > .tense .muted {
        color: var(--ink);
      }

      dt {
        font-size: 0.8125rem;
        font-weight: 600;
      }

      dt .muted {
        font-weight: 400;
      }

      dd {
        margin: 0;
        font-size: 1.25rem;
        font-weight: 600;
      }

      dd .small {
        font-weight: 400;
      }

      .tint {
        color: var(--mood);
        font-size: 0.875rem;
      }

      .tense .lately {
        color: var(--tense);
        font-weight: 600;
      }

      .top {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: 8px;
      }

      .choice {
        display: flex;
        gap: 6px;
      }

      table {
        border: 1px solid var(--line);
        border-radius: var(--radius);
        border-spacing: 0;
        background: var(--surface);
      }

      th,
      td {
        padding: 8px 10px;
        border-block-start: 1px solid var(--line);
        text-align: start;
        vertical-align: bottom;
        font-weight: 400;
      }

      thead th {
        border: 0;
        color: var(--muted);
        font-size: 0.8125rem;
      }

      tbody th {
        inline-size: 15rem;
        vertical-align: middle;
        font-weight: 600;
      }

      tbody th .muted {
        display: block;
        font-weight: 400;
      }

      .total :is(th, td) {
        font-weight: 650;
      }

      .drawn {
        inline-size: 40%;
      }

      .narrow {
        display: none;
      }

      .number {
        text-align: end;
        vertical-align: middle;
        white-space: nowrap;
        font-variant-numeric: tabular-nums;
      }

      .codes {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 18px;
        padding-inline: 2px;
      }

      code {
        font-size: 0.8125rem;
        overflow-wrap: anywhere;
      }

      /* Each stage a block: name, drawing, and its numbers in a row with their names. */
      @media (max-width: 860px) {
        main {
          padding: 12px;
        }

        thead {
          position: absolute;
          inline-size: 1px;
          overflow: hidden;
          clip-path: inset(50%);
        }

        thead tr {
          display: none;
        }

        table,
        tbody {
          display: block;
        }

        tbody tr {
          display: grid;
          grid-template-columns: repeat(5, auto);
          justify-content: space-between;
          gap: 4px 8px;
          padding: 10px 12px;
          border-block-start: 1px solid var(--line);
        }

        tbody tr:first-child {
          border: 0;
        }

        tbody :is(th, td) {
          padding: 0;
          border: 0;
        }

        tbody :is(th, .drawn) {
          grid-column: 1 / -1;
          inline-size: auto;
        }

        .narrow {
          display: block;
          font-weight: 400;
        }

        .number {
          text-align: start;
          font-size: 0.8125rem;
        }

        .facts.now {
          grid-template-columns: repeat(2, minmax(0, 1fr));
        }

        td.number::before {
          content: attr(data-name);
          display: block;
          color: var(--muted);
          font-size: 0.75rem;
          font-weight: 400;
        }
      }
    `,
  ];
}
