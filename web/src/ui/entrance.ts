// How a page gets in: the key from the address or the form, the connection, and what to show until it stands.

import { html, type ReactiveController } from "lit";
import { browserDoors, Connection, heedNetwork, type Reader, type Status } from "../connection";
import { embeddedDoors } from "../embed/doors";
import { type Arrival, arrive, forget, keep, keepName } from "../key";
import { type Embeddable, Outside } from "../outside";
import type { LaneIs, ServerMessage } from "../protocol";
import { session } from "../storage";
import { codeWords } from "../words";
import "./sign-in";
import type { SignIn } from "./sign-in";
import type { Wish } from "./status";
import "./status";

interface Guest extends Embeddable {
  /** A connection stands (again). */
  welcomed(): void;
  told(message: ServerMessage): void;
  /** Another person may sign in: nothing of the last one's calls may stay. */
  left(): void;
}

const NOTICE_MS = 8_000;

export class Entrance implements ReactiveController {
  readonly connection: Connection;
  agent: string;
  readonly call: string;
  notice = "";

  #guest: Guest;
  #outside: Outside;
  /** In another page: which connection was begun, and which call was asked for. */
  #begun = "";
  #opened = "";
  #role: Reader;
  #key: string;
  #problem = "";
  #lane: LaneIs["state"] = "on";
  #noticeTimer = 0;

  constructor(guest: Guest, role: Reader) {
    this.#guest = guest;
    this.#role = role;
    const arrival = this.#arrive();
    this.#key = arrival.key;
    this.agent = arrival.agent;
    this.call = arrival.call;
    this.#outside = new Outside(guest);
    this.connection = new Connection(role, this.agent, __EMBEDDED__ ? embeddedDoors(guest) : browserDoors());
    this.connection.onStatus = (status) => this.#changed(status);
    this.connection.onMessage = (message) => {
      if (message.type === "lane") this.#lane = message.state;
      this.#outside.heard(message);
      guest.told(message);
      if (message.type === "error" && message.retry && !message.key) this.#askAgain(message.retry_after ?? 2);
      guest.requestUpdate();
    };
    guest.addController(this);
    heedNetwork(this.connection);
    if (__EMBEDDED__) return;
    // A printed address pasted over this one changes only the fragment, which reloads nothing.
    addEventListener("hashchange", () => {
      if (new URLSearchParams(location.hash.slice(1)).has("key")) {
        this.#arrive();
        location.reload();
      }
    });
  }

  /** For what is asked over HTTP. */
  get key(): string {
    return this.#key;
  }

  get lane(): LaneIs["state"] {
    return this.#lane;
  }

  hostConnected(): void {
    if (__EMBEDDED__) this.#guest.requestUpdate();
    else if (this.#key) this.connection.start(this.#key);
  }

  hostDisconnected(): void {
    this.connection.stop();
    this.#begun = "";
  }

  /** In another page the element says where to go, as whom, and which call to show; it may say so late, and anew. */
  hostUpdate(): void {
    const { server, agent, ticket, call } = this.#guest;
    if (!__EMBEDDED__ || !this.#guest.isConnected) return;
    const wanted = ticket ? JSON.stringify([server, agent]) : "";
    if (wanted !== this.#begun) {
      if (this.#begun) this.#signOut("");
      this.#begun = wanted;
      this.#opened = "";
      this.agent = agent;
      if (wanted) this.connection.start("", agent);
    }
    if (call !== this.#opened) {
      this.#opened = call;
      if (call) this.#guest.open(call);
    }
  }

  /** The sign-in form, where a key is needed; otherwise nothing and the page draws itself. */
  form(heading: string) {
    if (__EMBEDDED__ || this.#key) return null;
    return html`<rtig-sign-in
      .heading=${heading}
      .problem=${this.#problem}
      .named=${this.#role === "supervisor"}
      @rtig-sign-in=${(event: SignIn) => this.#signIn(event.key, event.person)}
    ></rtig-sign-in>`;
  }

  strip(who: string) {
    return html`<rtig-status
      .status=${this.connection.status}
      .notice=${this.notice}
      .who=${who}
      .lane=${this.#lane}
      @rtig-wish=${(event: Wish) => (event.what === "retry" ? this.connection.retry() : this.#signOut(""))}
    ></rtig-status>`;
  }

  /** Says something in the strip for a while. */
  say(notice: string): void {
    this.notice = notice;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => {
      this.notice = "";
      this.#guest.requestUpdate();
    }, NOTICE_MS);
    this.#guest.requestUpdate();
  }

  #arrive(): Arrival {
    if (__EMBEDDED__) return { key: "", agent: "", call: "" };
    return arrive(this.#role, location, (address) => history.replaceState(history.state, "", address), session);
  }

  #changed(status: Status): void {
    if (status.phase === "live") {
      this.#lane = status.welcome.lane;
      this.#guest.welcomed();
    }
    this.#outside.connection(status);
    if (status.phase === "stopped" && status.code === "unauthenticated" && !__EMBEDDED__) {
      this.#signOut(codeWords(status.code, status.message));
    }
    this.#guest.requestUpdate();
  }

  /** A watch was not taken for now. Asking for all of them again is harmless: each says where it stands. */
  #askAgain(seconds: number): void {
    const { status } = this.connection;
    setTimeout(() => this.connection.status === status && this.#guest.welcomed(), seconds * 1000);
  }

  #signIn(key: string, person: string): void {
    keep(this.#role, key, session);
    if (person) {
      keepName(this.#role, person, session);
      this.agent = person;
    }
    this.#key = key;
    this.#problem = "";
    this.connection.start(key, this.agent);
  }

  #signOut(problem: string): void {
    forget(this.#role, session);
    if (this.#role === "supervisor") this.agent = "";
    this.#key = "";
    this.#problem = problem;
    this.connection.stop();
    this.#guest.left();
    this.#guest.requestUpdate();
  }
}
