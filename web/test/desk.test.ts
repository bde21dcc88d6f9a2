import { beforeEach, describe, expect, it } from "vitest";
import { Desk } from "../src/desk";
import type { CallSummary, ClientMessage, Refused } from "../src/protocol";
import { card, frame, info } from "./items";

let said: ClientMessage[];
let desk: Desk;

const summary = (call_id: string): CallSummary => ({
  call_id,
  agent: "desk-1",
  queue: "",
  customer: "",
  channel: "voice",
  started_at: 0,
});
const announce = (...ids: string[]) => desk.take({ type: "calls", calls: ids.map(summary) }, 0);
const tell = (call_id: string, seq: number, change: Parameters<typeof info>[0] = {}) =>
  desk.take(frame(seq, info({ call_id, ...change })), 0);
const ids = () => desk.calls.map((call) => call.id);

beforeEach(() => {
  said = [];
  desk = new Desk((message) => said.push(message));
});

describe("an agent's calls", () => {
  it("follows every announced call and shows the newest", () => {
    announce("new", "old");
    expect(said).toEqual([
      { type: "watch", call_id: "old" },
      { type: "watch", call_id: "new" },
    ]);
    expect(ids()).toEqual(["new", "old"]);
    expect(desk.current?.id).toBe("new");
  });

  it("knows when it has been told which calls there are, also when there are none", () => {
    expect(desk.announced).toBe(false);
    announce();
    expect(desk.announced).toBe(true);
  });

  it("does not take a live call from the screen for a newer one, and counts what comes there", () => {
    announce("a");
    tell("a", 1);
    announce("b", "a");
    expect(desk.current?.id).toBe("a");
    desk.take(frame(1, card("x", { call_id: "b" }), card("y", { call_id: "b", state: "retracted" })), 0);
    expect(desk.unseen(desk.calls[0]!)).toBe(1);
    expect(desk.unseen(desk.calls[0]!, (each) => each.kind === "alert")).toBe(0);
    desk.show("b");
    desk.look();
    expect(desk.current?.id).toBe("b");
    desk.show("a");
    expect(desk.unseen(desk.calls[0]!)).toBe(0);
  });

  it("opens a call by its id, which stays although it is announced as nobody's of this desk", () => {
    announce("a");
    desk.open("b");
    expect(desk.current?.id).toBe("b");
    expect(said.at(-1)).toEqual({ type: "watch", call_id: "b" });
    announce("a");
    expect(ids()).toEqual(["b", "a"]);
    desk.open("a");
    expect(desk.current?.id).toBe("a");
    expect(said).toHaveLength(2);
  });

  it("keeps an ended call on screen until the next begins", () => {
    announce("a");
    tell("a", 1);
    tell("a", 2, { state: "ended", ended_ms: 9 });
    announce();
    expect([desk.current?.id, desk.current?.ended]).toEqual(["a", true]);
    announce("b");
    expect(desk.current?.id).toBe("b");
    expect(ids()).toEqual(["b"]);
    expect(said.at(-1)).toEqual({ type: "unwatch", call_id: "a" });
  });

  it("ends a call that is no longer announced, and lets go of one that is not on screen", () => {
    announce("a", "b");
    tell("a", 1);
    tell("b", 1);
    announce();
    expect(ids()).toEqual(["a"]);
    expect(desk.current?.ended).toBe(true);
  });

  it("keeps a call that ended before its past had come, and takes its past", () => {
    announce("a");
    announce();
    expect([desk.current?.id, desk.current?.ended]).toEqual(["a", true]);
    desk.resume();
    expect(said.filter((message) => message.type === "watch")).toHaveLength(2);
    tell("a", 1);
    tell("a", 2, { customer: "account-7", state: "ended", ended_ms: 9 });
    expect([desk.current?.info?.customer, desk.current?.ended, desk.current?.clock(99)]).toEqual(["account-7", true, 9]);
    announce("b");
    expect(ids()).toEqual(["b"]);
  });

  it("has a call back that is announced again", () => {
    announce("a");
    tell("a", 1);
    announce();
    expect(desk.current?.ended).toBe(true);
    announce("a");
    expect(desk.current?.ended).toBe(false);
  });

  it("follows again from each position after a loss", () => {
    announce("a");
    tell("a", 5);
    said.length = 0;
    desk.resume();
    expect(said).toEqual([{ type: "watch", call_id: "a", after: { epoch: 1, seq: 5 } }]);
  });

  it("opens a call that was asked for by id, and keeps it although nobody announces it", () => {
    desk = new Desk((message) => said.push(message), "asked");
    desk.resume();
    announce();
    expect(desk.current?.id).toBe("asked");
    desk.resume();
    expect(said.filter((message) => message.type === "watch")).toHaveLength(2);
  });

  it("lets go of a call that the server does not know", () => {
    const unknown: Refused = {
      type: "error",
      code: "unknown_call",
      message: "",
      retry: false,
      retry_after: null,
      call_id: "a",
      key: "",
    };
    announce("a");
    desk.take(unknown, 0);
    expect(desk.current).toBeNull();
    announce("a");
    tell("a", 1);
    desk.take(unknown, 0);
    expect(desk.current?.ended).toBe(true);
  });

  it("overlooks guidance of a call that it does not follow", () => {
    tell("stranger", 1);
    expect(desk.calls).toEqual([]);
  });
});
