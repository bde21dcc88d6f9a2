// A connection against a world made of values: what it asks for, what it says, when it comes back.
import { beforeEach, describe, expect, it } from "vitest";
import {
  Connection,
  type Doors,
  FIRST_WAIT_MS,
  LONGEST_WAIT_MS,
  type SocketLike,
  type Status,
} from "../src/connection";
import type { Bye, Refused, ServerMessage, Welcome } from "../src/protocol";

const WELCOME: Welcome = {
  type: "welcome",
  protocol: 1,
  role: "agent",
  tenant: "t",
  epoch: 1,
  server: "0",
  playbook: "p",
  ping_interval: 20,
  limits: { message_bytes: 1, messages_per_second: 1, segments_per_call: 1 },
  formats: [],
  lane: "off",
};

class Socket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  said: unknown[] = [];
  closed = false;
  constructor(
    readonly path: string,
    readonly protocols: string[],
  ) {}
  send(text: string) {
    this.said.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  tell(message: ServerMessage) {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

class World implements Doors {
  sockets: Socket[] = [];
  asked: { path: string; init: RequestInit }[] = [];
  timers: { at: number; act: () => void }[] = [];
  clock = 0;
  chance = 0.5;
  answer: () => { status: number; body?: unknown; retryAfter?: string } = () => ({
    status: 200,
    body: { ticket: `t${this.asked.length}`, expires_in: 30 },
  });

  async fetch(path: string, init: RequestInit) {
    this.asked.push({ path, init });
    const { status, body, retryAfter } = this.answer();
    if (!status) throw new TypeError("network");
    const headers = new Headers(retryAfter ? { "Retry-After": retryAfter } : {});
    return { ok: status === 200, status, headers, json: async () => body ?? {} };
  }
  open(path: string, protocols: string[]) {
    const socket = new Socket(path, protocols);
    this.sockets.push(socket);
    return socket;
  }
  after(ms: number, act: () => void) {
    const timer = { at: this.clock + ms, act };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }
  random() {
    return this.chance;
  }
  now() {
    return this.clock;
  }

  get last(): Socket {
    return this.sockets.at(-1)!;
  }
  async settle() {
    for (let i = 0; i < 8; i += 1) await Promise.resolve();
  }
  async pass(ms: number) {
    this.clock += ms;
    const due = this.timers.filter((timer) => timer.at <= this.clock);
    this.timers = this.timers.filter((timer) => timer.at > this.clock);
    for (const timer of due) timer.act();
    await this.settle();
  }
}

let world: World;
let connection: Connection;
let told: ServerMessage[];

const wait = () => (connection.status as Extract<Status, { phase: "lost" }>).retryAt - world.clock;

async function live() {
  connection.start("key");
  await world.settle();
  world.last.onopen?.();
  world.last.tell(WELCOME);
}

beforeEach(() => {
  world = new World();
  connection = new Connection("agent", "desk-1", world);
  told = [];
  connection.onMessage = (message) => told.push(message);
});

describe("coming in", () => {
  it("buys a ticket with the key, spends it in the sub-protocols and says hello", async () => {
    await live();
    expect(world.asked[0]!.path).toBe("api/ticket");
    expect(world.asked[0]!.init).toMatchObject({ method: "POST", body: '{"role":"agent"}' });
    expect(world.asked[0]!.init.headers).toMatchObject({ Authorization: "Bearer key" });
    expect(world.last.path).toBe("ws");
    expect(world.last.protocols).toEqual(["rtig.v1", "ticket.t1"]);
    expect(world.last.said).toEqual([{ type: "hello", role: "agent", protocol: 1, agent: "desk-1" }]);
    expect(connection.status.phase).toBe("live");
  });

  it("passes on what is told and says what is to be said", async () => {
    await live();
    world.last.tell({ type: "calls", calls: [] });
    expect(told).toEqual([{ type: "calls", calls: [] }]);
    expect(connection.send({ type: "unwatch", call_id: "c" })).toBe(true);
    expect(world.last.said.at(-1)).toEqual({ type: "unwatch", call_id: "c" });
  });

  it("survives a frame that is no JSON", async () => {
    await live();
    world.last.onmessage?.({ data: "{" });
    expect(connection.status.phase).toBe("live");
  });

  it("stops for a person when the key is refused, and asks again only when told to", async () => {
    world.answer = () => ({ status: 401, body: { code: "unauthenticated", message: "No." } });
    connection.start("key");
    await world.settle();
    expect(connection.status).toEqual({ phase: "stopped", code: "unauthenticated", message: "No." });
    await world.pass(60_000);
    expect(world.asked).toHaveLength(1);
    connection.retry();
    await world.settle();
    expect(world.asked).toHaveLength(2);
  });

  it("gives up a server that never welcomes", async () => {
    connection.start("key");
    await world.settle();
    await world.pass(15_000);
    expect(connection.status.phase).toBe("lost");
    expect(world.last.closed).toBe(true);
  });
});

describe("coming back", () => {
  it("takes a fresh ticket after a loss, and nothing is sent in between", async () => {
    await live();
    world.last.onclose?.();
    expect(connection.status.phase).toBe("lost");
    expect(connection.send({ type: "watch_board" })).toBe(false);
    await world.pass(wait());
    expect(world.asked).toHaveLength(2);
    expect(world.last.protocols[1]).toBe("ticket.t2");
    world.last.onopen?.();
    world.last.tell(WELCOME);
    expect(connection.status.phase).toBe("live");
  });

  it("waits from half a second to ten, longer while it fails, spread by chance", async () => {
    world.answer = () => ({ status: 0 });
    const waits: number[] = [];
    connection.start("key");
    for (let i = 0; i < 12; i += 1) {
      await world.settle();
      waits.push(wait());
      world.chance = i % 2 ? 0.9 : 0.7;
      await world.pass(wait());
    }
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(FIRST_WAIT_MS);
    expect(Math.max(...waits)).toBe(LONGEST_WAIT_MS);
    world.chance = 0;
    await world.pass(wait());
    expect(wait()).toBe(FIRST_WAIT_MS);
  });

  it("starts small again after a connection that lasted, not after one that was lost at once", async () => {
    world.chance = 1;
    await live();
    world.last.onclose?.();
    expect(wait()).toBe(1_500);
    await world.pass(wait());
    world.last.onopen?.();
    world.last.tell(WELCOME);
    world.last.onclose?.();
    expect(wait()).toBe(4_500);
    await world.pass(wait());
    world.last.tell(WELCOME);
    await world.pass(6_000);
    world.last.onclose?.();
    expect(wait()).toBe(1_500);
  });

  it("keeps the wait that the server asks for", async () => {
    await live();
    const bye: Bye = { type: "bye", code: "draining", message: "", retry: true, retry_after: 20 };
    world.last.tell(bye);
    expect(connection.status).toMatchObject({ phase: "lost", code: "draining" });
    expect(wait()).toBeGreaterThanOrEqual(20_000);
    world.answer = () => ({ status: 503, retryAfter: "7" });
    connection.retry();
    await world.settle();
    expect(wait()).toBeGreaterThanOrEqual(7_000);
  });

  it("stays away after a farewell for good", async () => {
    await live();
    world.last.tell({ type: "bye", code: "not_allowed", message: "No.", retry: false, retry_after: null });
    expect(connection.status).toEqual({ phase: "stopped", code: "not_allowed", message: "No." });
    expect(world.last.closed).toBe(true);
  });

  it("lets the ticket door judge the key: one refused ticket is not yet a refused key", async () => {
    const refused: Refused = {
      type: "error",
      code: "unauthenticated",
      message: "Spent.",
      retry: false,
      retry_after: null,
      call_id: "",
      key: "",
    };
    connection.start("key");
    await world.settle();
    world.last.tell(refused);
    expect(connection.status.phase).toBe("lost");
    await world.pass(wait());
    world.last.tell(refused);
    expect(connection.status.phase).toBe("stopped");
  });

  it("hands an error on a standing connection to the page", async () => {
    await live();
    world.last.tell({
      type: "error",
      code: "unknown_call",
      message: "",
      retry: false,
      retry_after: null,
      call_id: "c",
      key: "",
    });
    expect(connection.status.phase).toBe("live");
    expect(told).toHaveLength(1);
  });

  it("does not listen to a socket that it has left", async () => {
    await live();
    const { onmessage, onclose } = world.last;
    connection.doubt();
    onmessage?.({ data: JSON.stringify({ type: "calls", calls: [] }) });
    onclose?.();
    expect(told).toEqual([]);
    connection.retry();
    await world.settle();
    expect(world.sockets).toHaveLength(2);
    connection.stop();
    expect(connection.status.phase).toBe("idle");
    await world.pass(60_000);
    expect(world.sockets).toHaveLength(2);
  });
});
