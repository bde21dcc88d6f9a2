// What the page around ours is told and may ask: events on the element, messages to the page around a frame.

import { LitElement, type ReactiveController } from "lit";
import { property } from "lit/decorators.js";
import type { Status } from "./connection";
import type { Alert, Brief, CallSummary, Card, ServerMessage } from "./protocol";
import type { TicketSource } from "./remote";
import type { Answered, CardView } from "./ui/card";

/** The details of the events, by name. Each bubbles out of the element. */
export interface RtigEvents {
  /** The connection: `connecting`, `live`, `lost` (it comes back by itself) or `stopped` (somebody must act). */
  "rtig-connection": { phase: Status["phase"]; code: string };
  /** The live calls of this agent, newest first, at each change. */
  "rtig-calls": { calls: CallSummary[] };
  /** A card came on screen. */
  "rtig-card-shown": { call_id: string; card_id: string; kind: Card["kind"]; title: string; article: string };
  /** The agent copied what a card says. */
  "rtig-copied": { call_id: string; card_id: string; text: string };
  /** What the agent did with a card; `reason` is of a dismissal. */
  "rtig-answered": {
    call_id: string;
    card_id: string;
    action: Answered["action"];
    reason: Answered["reason"];
  };
  /** The brief of a call, also sent unasked when it ends. */
  "rtig-brief": { brief: Brief };
  /** An alert on the board is new or has another state. */
  "rtig-alert": { alert: Alert };
}

declare global {
  interface HTMLElementEventMap {
    "rtig-connection": CustomEvent<RtigEvents["rtig-connection"]>;
    "rtig-calls": CustomEvent<RtigEvents["rtig-calls"]>;
    "rtig-card-shown": CustomEvent<RtigEvents["rtig-card-shown"]>;
    "rtig-copied": CustomEvent<RtigEvents["rtig-copied"]>;
    "rtig-answered": CustomEvent<RtigEvents["rtig-answered"]>;
    "rtig-brief": CustomEvent<RtigEvents["rtig-brief"]>;
    "rtig-alert": CustomEvent<RtigEvents["rtig-alert"]>;
  }
}

/** The two page elements, as the page around them sees them. */
export abstract class Embeddable extends LitElement {
  /** Where the server is, `wss://…` or `https://…`; left out, where the module came from. */
  @property() server = "";
  /** Whose calls to announce; on the board, the supervisor's own name. */
  @property() agent = "";
  /** A call to put on screen. */
  @property() call = "";
  /** Gets a ticket from the page's own server, which has the key. */
  @property({ attribute: false }) ticket: TicketSource | null = null;
  /** Nothing else is on the page: its title and address may be used, and keys are heard wherever the focus is. */
  @property({ type: Boolean }) alone = false;

  override connectedCallback(): void {
    super.connectedCallback();
    // It is laid out for the room that it has, not for the window's.
    if (__EMBEDDED__) this.style.containerType ||= "inline-size";
  }

  /** Puts a call on screen by its id. */
  abstract open(callId: string): void;
}

/** Events between our own components, which are nobody else's business. */
const INNER = [
  "rtig-answered",
  "rtig-alert",
  "rtig-alert-call",
  "rtig-say",
  "rtig-seek",
  "rtig-set-mode",
  "rtig-switch-keys",
  "rtig-wish",
  "rtig-close",
  "rtig-filter",
  "rtig-handover",
  "rtig-held",
  "rtig-help",
  "rtig-open",
  "rtig-sign-in",
  "rtig-written",
];
/** Beyond it the oldest card may be told again. */
const MOST_TOLD = 500;
const aCall = /^[\w.:@+-]{1,128}$/;

export class Outside implements ReactiveController {
  #host: Embeddable;
  #shown = new Set<string>();
  #framed = !__EMBEDDED__ && window.parent !== window;

  constructor(host: Embeddable) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    for (const name of INNER) this.#host.renderRoot.addEventListener(name, this.#inner);
    if (this.#framed) addEventListener("message", this.#asked);
  }

  hostDisconnected(): void {
    for (const name of INNER) this.#host.renderRoot.removeEventListener(name, this.#inner);
    removeEventListener("message", this.#asked);
  }

  /** Tells of the cards that are on screen now and were not before. */
  hostUpdated(): void {
    for (const { card, gone, place } of this.#host.renderRoot.querySelectorAll<CardView>("rtig-card")) {
      if (!card || gone || (place !== "top" && place !== "more")) continue;
      const key = `${card.call_id} ${card.id}`;
      if (this.#shown.has(key)) continue;
      this.#shown.add(key);
      for (const oldest of this.#shown) {
        if (this.#shown.size <= MOST_TOLD) break;
        this.#shown.delete(oldest);
      }
      const { call_id, id: card_id, kind, title } = card;
      this.#tell("rtig-card-shown", { call_id, card_id, kind, title, article: card.article?.id ?? "" });
    }
  }

  connection(status: Status): void {
    this.#tell("rtig-connection", { phase: status.phase, code: "code" in status ? status.code : "" });
  }

  heard(message: ServerMessage): void {
    if (message.type === "calls") this.#tell("rtig-calls", { calls: message.calls });
    else if (message.type === "brief") this.#tell("rtig-brief", { brief: message.brief });
    else if (message.type === "board") for (const alert of message.alerts) this.#tell("rtig-alert", { alert });
  }

  #tell<Name extends keyof RtigEvents>(name: Name, detail: RtigEvents[Name]): void {
    this.#host.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
    // The browser shows this page in a frame only where `frame-ancestors` allows it, so any parent is an allowed one.
    if (this.#framed) parent.postMessage({ rtig: name.slice("rtig-".length), ...detail }, "*");
  }

  #inner = (event: Event) => {
    event.stopPropagation();
    if (event.type !== "rtig-answered") return;
    const { card, action, reason } = event as Answered;
    // Letting go of a pinned card is this screen's own affair.
    if (action === "pinned" && (event.target as CardView).mark.pinned) return;
    const where = { call_id: card.call_id, card_id: card.id };
    if (action === "copied") this.#tell("rtig-copied", { ...where, text: card.say });
    this.#tell("rtig-answered", { ...where, action, reason });
  };

  #asked = ({ source, data }: MessageEvent) => {
    if (source !== parent || typeof data !== "object" || data?.rtig !== "open") return;
    if (typeof data.call_id === "string" && aCall.test(data.call_id)) this.#host.open(data.call_id);
  };
}
