// One connection to the server that comes back by itself: ticket, socket, hello, and again after a loss.
// What is said on it is the business of `desk.ts` and `board.ts`; nothing here knows a component.

import type { ClientMessage, Hello, ServerMessage, Welcome } from "./protocol";
import { PROTOCOL, SUBPROTOCOL, TICKET_PREFIX } from "./protocol";

export type Status =
  | { phase: "idle" }
  | { phase: "connecting" }
  | { phase: "live"; welcome: Welcome }
  /** Trying again by itself at `retryAt`; `code` says what the server gave as a reason, if it gave one. */
  | { phase: "lost"; retryAt: number; code: string }
  /** A person must act: another key, a reload, a word with the administrator. */
  | { phase: "stopped"; code: string; message: string };

export interface SocketLike {
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  send(text: string): void;
  close(): void;
}

/** The world outside, so that tests need none of it. */
export interface Doors {
  fetch(path: string, init: RequestInit): Promise<Pick<Response, "ok" | "status" | "headers" | "json">>;
  open(path: string, protocols: string[]): SocketLike;
  after(ms: number, act: () => void): () => void;
  random(): number;
  now(): number;
}

export const FIRST_WAIT_MS = 500;
export const LONGEST_WAIT_MS = 10_000;
/** A connection that lived this long was a good one: the next wait starts small again. */
const SETTLED_MS = 5_000;
/** Ticket, socket and welcome together. */
const OPENING_MS = 15_000;
/** The ticket may have been spent or be too old; the ticket door, not the socket, judges the key. */
const UNAUTHENTICATED_TRIES = 2;

/** Who sits at a page. */
export type Reader = Exclude<Welcome["role"], "source">;

export class Connection {
  status: Status = { phase: "idle" };
  onStatus: (status: Status) => void = () => {};
  onMessage: (message: ServerMessage) => void = () => {};

  #role: Reader;
  #agent: string;
  #doors: Doors;
  #key = "";
  #socket: SocketLike | null = null;
  /** Counts the attempts; whatever an older one still has to say is not listened to. */
  #attempt = 0;
  #wait = FIRST_WAIT_MS;
  #liveSince = 0;
  #refusals = 0;
  #cancel: () => void = () => {};
  #abort: AbortController | null = null;

  constructor(role: Reader, agent: string, doors: Doors = browserDoors()) {
    this.#role = role;
    this.#agent = agent;
    this.#doors = doors;
  }

  start(key: string, agent: string = this.#agent): void {
    this.#key = key;
    this.#agent = agent;
    this.#wait = FIRST_WAIT_MS;
    this.#refusals = 0;
    this.#connect({ phase: "connecting" });
  }

  stop(): void {
    this.#drop();
    this.#tell({ phase: "idle" });
  }

  /** False when there is no live connection; the caller keeps what must not be lost. */
  send(message: ClientMessage): boolean {
    if (this.status.phase !== "live" || !this.#socket) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Now, rather than when the wait is over; also after a person has seen to what stopped it. */
  retry(): void {
    if (this.status.phase === "lost") this.#connect(this.status);
    else if (this.status.phase === "stopped") this.start(this.#key);
  }

  /** The network is known to be gone, or the machine has slept: do not trust the socket. */
  doubt(): void {
    if (this.status.phase === "live") this.#lose("");
  }

  #connect(meanwhile: Status): void {
    this.#drop();
    const attempt = this.#attempt;
    this.#tell(meanwhile);
    this.#cancel = this.#doors.after(OPENING_MS, () => this.#lose(""));
    void this.#open(attempt);
  }

  async #open(attempt: number): Promise<void> {
    let ticket: string;
    try {
      const abort = new AbortController();
      this.#abort = abort;
      const answer = await this.#doors.fetch("api/ticket", {
        method: "POST",
        headers: { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/json" },
        body: JSON.stringify({ role: this.#role }),
        credentials: "omit",
        cache: "no-store",
        signal: abort.signal,
      });
      if (attempt !== this.#attempt) return;
      if (!answer.ok) {
        const said = (await answer.json().catch(() => ({}))) as { code?: string; message?: string };
        if (attempt !== this.#attempt) return;
        const after = Number(answer.headers.get("Retry-After"));
        const standard = answer.status === 401 ? "unauthenticated" : answer.status === 403 ? "not_allowed" : "";
        const code = said.code || standard;
        if (standard) this.#halt(code, said.message ?? "");
        else this.#lose(code, Number.isFinite(after) ? after : 0);
        return;
      }
      ticket = ((await answer.json()) as { ticket: string }).ticket;
    } catch {
      if (attempt === this.#attempt) this.#lose("");
      return;
    }
    if (attempt !== this.#attempt) return;
    let socket: SocketLike;
    try {
      socket = this.#doors.open("ws", [SUBPROTOCOL, TICKET_PREFIX + ticket]);
    } catch {
      this.#lose("");
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      const hello: Hello = { type: "hello", role: this.#role, protocol: PROTOCOL };
      if (this.#agent) hello.agent = this.#agent;
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (event) => {
      if (attempt !== this.#attempt || typeof event.data !== "string") return;
      let message: ServerMessage;
      try {
        message = JSON.parse(event.data) as ServerMessage;
      } catch {
        return;
      }
      this.#hear(message);
    };
    socket.onclose = () => {
      if (attempt === this.#attempt) this.#lose("");
    };
  }

  #hear(message: ServerMessage): void {
    if (message.type === "welcome") {
      this.#cancel();
      this.#liveSince = this.#doors.now();
      this.#refusals = 0;
      this.#tell({ phase: "live", welcome: message });
      return;
    }
    const opening = this.status.phase !== "live";
    if (message.type === "bye" || (message.type === "error" && opening)) {
      const again = message.retry || (message.code === "unauthenticated" && ++this.#refusals < UNAUTHENTICATED_TRIES);
      if (again) this.#lose(message.code, message.retry_after ?? 0);
      else this.#halt(message.code, message.message);
      return;
    }
    this.onMessage(message);
  }

  #lose(code: string, retryAfter = 0): void {
    if (this.#liveSince && this.#doors.now() - this.#liveSince >= SETTLED_MS) this.#wait = FIRST_WAIT_MS;
    this.#drop();
    // Decorrelated jitter: the waits spread out, so a thousand screens do not come back in the same instant.
    const spread = FIRST_WAIT_MS + this.#doors.random() * (this.#wait * 3 - FIRST_WAIT_MS);
    this.#wait = Math.min(LONGEST_WAIT_MS, spread);
    const asked = retryAfter * 1000 * (1 + 0.25 * this.#doors.random());
    const wait = Math.max(this.#wait, asked);
    const lost: Status = { phase: "lost", retryAt: this.#doors.now() + wait, code };
    this.#cancel = this.#doors.after(wait, () => this.#connect(lost));
    this.#tell(lost);
  }

  #halt(code: string, message: string): void {
    this.#drop();
    this.#tell({ phase: "stopped", code, message });
  }

  #drop(): void {
    this.#attempt += 1;
    this.#cancel();
    this.#cancel = () => {};
    this.#abort?.abort();
    this.#abort = null;
    this.#liveSince = 0;
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #tell(status: Status): void {
    this.status = status;
    this.onStatus(status);
  }
}

export function browserDoors(): Doors {
  return {
    // Beside the page, wherever it is mounted: /agent asks /api/ticket, /desk/agent asks /desk/api/ticket.
    fetch: (path, init) => fetch(new URL(path, location.href), init),
    open: (path, protocols) => {
      const address = new URL(path, location.href);
      address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
      address.hash = address.search = "";
      return new WebSocket(address, protocols) as unknown as SocketLike;
    },
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    now: Date.now,
  };
}

/**
 * Tells a connection what the browser knows of the network: gone, back, or that this machine has slept, after which
 * a socket may look open for minutes although the server closed it long ago.
 */
export function heedNetwork(connection: Connection): void {
  addEventListener("offline", () => connection.doubt());
  addEventListener("online", () => connection.retry());
  const every = 15_000;
  let last = Date.now();
  setInterval(() => {
    const gap = Date.now() - last;
    last += gap;
    // Hidden tabs are woken once a minute; two minutes without a beat is a machine that was asleep.
    if (gap > 120_000) {
      connection.doubt();
      connection.retry();
    }
  }, every);
}
