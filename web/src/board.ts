// The supervisors' board: live calls, hottest first, and one of them opened beside the list.

import { css, html, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { Alerts, keyOf } from "./alerts";
import { Call } from "./call";
import { type Filter, filterOf, isEverything, searchOf, wants } from "./filter";
import { Floor } from "./floor";
import { type Deed, freshId, Outbox } from "./outbox";
import { Embeddable } from "./outside";
import type { Alert, BoardRow, ServerMessage } from "./protocol";
import type { AlertAct, AlertCall } from "./ui/alerts";
import { Entrance } from "./ui/entrance";
import type { FilterChange } from "./ui/filters";
import type { CallPanel, SayToAgent } from "./ui/panel";
import type { RowOpen, RowsHeld, RowsView } from "./ui/rows";
import { base, tokens } from "./ui/styles";
import { isWall } from "./wall";
import { codeWords } from "./words";
import "./ui/alerts";
import "./ui/filters";
import "./ui/panel";
import "./ui/rows";
import "./ui/wall";

const TICK_MS = 1_000;
/** A long call's course is long: it is asked for no more often than this. */
const COURSE_MS = 3_000;
/** Of many alerts that open at once so many are said. */
const MOST_NEWS = 3;
/** A page that nobody looks at draws no frames, and still has its title to keep up. */
const UNSEEN_MS = 500;

/** `wall`: to be read from afar. */
@customElement("rtig-board")
export class BoardPage extends Embeddable {
  @property({ type: Boolean, reflect: true }) wall = false;
  @state() private filter: Filter = filterOf("");
  @state() private fetched = false;
  @state() private sending = "";
  @query("rtig-call-panel") private panel!: CallPanel | null;
  @query("rtig-rows") private list!: RowsView | null;

  #entrance = new Entrance(this, "supervisor");
  #outbox = new Outbox((message) => this.#entrance.connection.send(message));
  #floor = new Floor();
  #alerts = new Alerts();
  /** The alerts whose answer the server has not taken yet. */
  #answering = new Set<string>();
  #news = "";
  #open: Call | null = this.#entrance.call ? new Call(this.#entrance.call) : null;
  #rows: BoardRow[] = [];
  #held: readonly string[] = [];
  /** The filter is being typed: its letters are one step in the browser's history. */
  #typing = false;
  /** Something has happened in the open call since its course was asked for. */
  #courseDue = false;
  #courseAsked = 0;
  #ticker = 0;

  constructor() {
    super();
    this.#outbox.onTaken = (deed) => this.#settled(deed, "Sent.");
    this.#outbox.onRefused = (deed, code, message) => this.#settled(deed, `Not sent. ${codeWords(code, message)}`);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    if (this.alone) {
      this.filter = filterOf(location.search);
      this.wall ||= isWall(location);
      addEventListener("popstate", this.#moved);
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#ticker);
    removeEventListener("popstate", this.#moved);
  }

  #tick(): void {
    if (this.#courseDue && this.#open?.caughtUp && Date.now() - this.#courseAsked >= COURSE_MS) this.#askCourse();
    this.requestUpdate();
  }

  /** What the agent does with cards is told nowhere else, so it is asked for again with whatever else has happened. */
  #askCourse(): void {
    this.#courseDue = false;
    this.#courseAsked = Date.now();
    if (this.#open) this.#entrance.connection.send({ type: "ask_course", call_id: this.#open.id });
  }

  /** How many calls are live, as far as this page has been told. */
  get size(): number {
    return this.#floor.size;
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
        if (message.call_id !== this.#open?.id) return;
        this.#open.take(message, now);
        // Told as the past it comes in many frames; after that each of them may have moved the score.
        if (message.type === "caught_up") this.#askCourse();
        else this.#courseDue = true;
        return;
      case "course":
        if (message.course.call_id === this.#open?.id) this.#open.takeCourse(message.course);
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
    this.#held = [];
    this.sending = "";
    this.fetched = false;
  }

  /** Once a frame at most: a busy floor sends its rows in many messages. */
  protected override async scheduleUpdate(): Promise<void> {
    if (this.hasUpdated) {
      await new Promise((go) => {
        requestAnimationFrame(go);
        setTimeout(go, UNSEEN_MS);
      });
    }
    super.scheduleUpdate();
  }

  override willUpdate(): void {
    this.#rows = this.#floor.ordered(Date.now(), wants(this.filter, this.#alerts.calls()), this.#held);
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (!this.alone || !this.isConnected) return;
    const { critical, frustrated } = this.#floor.counts();
    const hot = critical + frustrated;
    document.title = `${hot ? `(${hot}) ` : ""}Board · rtig`;
  }

  override render() {
    const form = this.#entrance.form("Board for supervisors");
    if (form) return form;
    if (this.wall) return this.#wall();
    return html`<div class="page" @keydown=${this.#key}>
      <rtig-alerts
        class=${this.#open ? "aside" : ""}
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
          <rtig-filters
            .filter=${this.filter}
            .counts=${this.#floor.counts()}
            .size=${this.#floor.size}
            .shown=${this.#rows.length}
            .alerting=${this.#alerts.calls().size}
            .rows=${() => this.#floor.rows()}
            @rtig-filter=${this.#filtered}
          ></rtig-filters>
          ${
            this.#rows.length
              ? html`<rtig-rows
                  .rows=${this.#rows}
                  .floor=${this.#floor}
                  .now=${Date.now()}
                  .current=${this.#open?.id ?? ""}
                  @rtig-open=${(event: RowOpen) => this.#show(event.callId)}
                  @rtig-held=${(event: RowsHeld) => this.#hold(event.ids)}
                ></rtig-rows>`
              : this.#empty()
          }
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

  #wall() {
    const { words, queue, agent } = this.filter;
    return html`<rtig-wall
      .rows=${this.#rows}
      .floor=${this.#floor}
      .alerts=${this.#alerts}
      .status=${this.#entrance.connection.status}
      .fetched=${this.fetched}
      .which=${isEverything(this.filter) ? "" : [queue, agent, words].filter(Boolean).join(", ") || "Some calls"}
      .now=${Date.now()}
    ></rtig-wall>`;
  }

  #empty() {
    const words =
      !isEverything(this.filter) && this.#floor.size
        ? ["No call matches", "“Show all” shows all calls again."]
        : this.fetched
          ? ["No live calls", "Calls appear here as soon as somebody speaks."]
          : ["", this.#entrance.connection.status.phase === "live" ? "Fetching the calls…" : "Waiting for the server."];
    return html`<div class="empty" data-testid="empty">
      ${words[0] ? html`<h2>${words[0]}</h2>` : nothing}
      <p class="muted">${words[1]}</p>
    </div>`;
  }

  #hold(ids: readonly string[]): void {
    this.#held = ids;
    this.requestUpdate();
  }

  #filtered = ({ filter, settled }: FilterChange) => {
    // A hand that filters is not on its way to a row.
    this.#held = [];
    this.filter = filter;
    this.#address(!this.#typing);
    this.#typing = !settled;
  };

  open(callId: string): void {
    this.#show(callId);
  }

  #show(id: string): void {
    if (this.#open?.id !== id) {
      this.#turn(id);
      this.#address(true);
    }
    void this.updateComplete.then(() => this.panel?.enter());
  }

  /** Another call beside the list, or none. */
  #turn(id: string): void {
    const { connection } = this.#entrance;
    if (this.#open) connection.send({ type: "unwatch", call_id: this.#open.id });
    this.#open = id ? new Call(id) : null;
    this.sending = "";
    if (this.#open) connection.send(this.#open.watch());
    this.requestUpdate();
  }

  /** Keeps in the address what a reload, the back button or a colleague with the link should find again. */
  #address(step: boolean): void {
    if (!this.alone) return;
    const hash = this.#open ? `#${new URLSearchParams({ call: this.#open.id })}` : "";
    const address = location.pathname + searchOf(this.filter, location.search) + hash;
    if (address === location.pathname + location.search + location.hash) return;
    if (step) history.pushState(null, "", address);
    else history.replaceState(history.state, "", address);
  }

  /** Back or forward in the browser's history. */
  #moved = () => {
    this.#typing = false;
    this.#held = [];
    this.filter = filterOf(location.search);
    const id = new URLSearchParams(location.hash.slice(1)).get("call") ?? "";
    if (id !== (this.#open?.id ?? "")) this.#turn(id);
  };

  #close = () => {
    if (!this.#open) return;
    const { id } = this.#open;
    this.#turn("");
    this.#held = [];
    this.#address(true);
    void this.updateComplete.then(async () => {
      if (!(await this.list?.enter(id))) this.renderRoot.querySelector<HTMLElement>("rtig-filters")?.focus();
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
    const said = opened.slice(0, MOST_NEWS).map(of);
    if (opened.length > MOST_NEWS) said.push(`${opened.length - MOST_NEWS} more`);
    this.#news = `${opened.length > 1 ? "New alerts" : "New alert"}: ${said.join("; ")}`;
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

      /* The open call has the whole height; alerts stand above the list alone. */
      @media (min-width: 1000px) {
        .page:has(.opened) {
          grid-template-columns: minmax(0, 1fr) minmax(25rem, 32%);
        }

        .opened {
          display: contents;
        }

        .opened section {
          grid-area: 1 / 2 / span 2;
        }

        .page > rtig-status {
          grid-column: 1 / -1;
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

      /* What somebody has just opened needs the room. */
      @media (max-width: 999px) {
        rtig-alerts.aside {
          max-block-size: max(18vh, 9.25rem);
        }
      }

      @media (max-height: 540px) {
        :host(:not([wall])),
        .page {
          block-size: auto;
          min-block-size: 100%;
        }
      }
    `,
  ];
}
