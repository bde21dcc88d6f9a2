import { describe, expect, it } from "vitest";
import { CLEARLY, Floor, FOR_A_WHILE_MS } from "../src/floor";
import type { BoardRow } from "../src/protocol";
import { row } from "./items";

const board = (floor: Floor, now: number, ...rows: BoardRow[]) =>
  floor.take({ type: "board", rows, gone: [], alerts: [], whole: false, more: false }, now);
const order = (floor: Floor, now: number, ...still: string[]) =>
  floor
    .ordered(now, undefined, still)
    .map((each) => each.call_id)
    .join("");

describe("the floor", () => {
  it("puts new rows where their score belongs", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.2), row("b", 0.9), row("c", 0.5));
    expect(order(floor, 0)).toBe("bca");
    board(floor, 1, row("d", 0.6));
    expect(order(floor, 1)).toBe("bdca");
  });

  it("moves a row only when it has been clearly hotter for a while", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.5), row("b", 0.4));
    expect(order(floor, 0)).toBe("ab");
    board(floor, 10_000, row("b", 0.57));
    expect(order(floor, 60_000)).toBe("ab");
    board(floor, 60_000, row("b", 0.7));
    expect(order(floor, 60_000 + FOR_A_WHILE_MS - 1)).toBe("ab");
    expect(order(floor, 60_000 + FOR_A_WHILE_MS)).toBe("ba");
  });

  it("is not moved by a spike", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.5), row("b", 0.4));
    order(floor, 0);
    board(floor, 10_000, row("b", 0.9));
    board(floor, 11_000, row("b", 0.5));
    for (let now = 10_000; now < 20_000; now += 500) expect(order(floor, now)).toBe("ab");
  });

  it("keeps the row under the hand in its place, for as long as it is there", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.9), row("b", 0.5), row("c", 0.1));
    expect(order(floor, 0, "b")).toBe("abc");
    board(floor, 1_000, row("c", 0.99), row("b", 0.2));
    for (let now = 1_000; now < 20_000; now += 1_000) expect(order(floor, now, "b")[1]).toBe("b");
    expect(order(floor, 20_000)).toBe("cab");
  });

  it("keeps the rows under pointer and focus where they are, also when they are over or filtered out", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.8), row("b", 0.7), row("c", 0.5), row("d", 0.1));
    expect(order(floor, 0, "b", "d")).toBe("abcd");
    board(floor, 1_000, row("c", 0.99), row("d", 0.98), row("b", 0.1));
    expect(order(floor, 5_000, "b", "d")).toBe("cbad");
    floor.take({ type: "board", rows: [], gone: ["b"], alerts: [], whole: false, more: false }, 6_000);
    expect(order(floor, 6_000, "b", "d")).toBe("cbad");
    expect(floor.row("b")).toBeUndefined();
    const hot = floor.ordered(6_000, (each) => each.score > 0.95, ["b"]);
    expect(hot.map((each) => each.call_id).join("")).toBe("cbd");
    expect(order(floor, 6_000)).toBe("cda");
    expect(order(floor, 6_000, "b")).toBe("cda");
  });

  it("keeps a row's place also where so many have gone that the list would be too short", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.9), row("b", 0.5), row("c", 0.4), row("d", 0.1));
    expect(order(floor, 0, "c")).toBe("abcd");
    floor.take({ type: "board", rows: [], gone: ["a", "b", "d"], alerts: [], whole: false, more: false }, 1);
    expect(order(floor, 1, "c")).toBe("abc");
    expect(floor.row("a")).toBeUndefined();
    expect(order(floor, 2, "c")).toBe("abc");
    expect(order(floor, 3)).toBe("c");
    expect(floor.ordered(4, () => false)).toEqual([]);
  });

  it("is told anew in many frames without losing what they have not named yet", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.9), row("b", 0.5), row("c", 0.4));
    const told = { type: "board" as const, gone: [], alerts: [] };
    floor.take({ ...told, rows: [row("c", 0.4)], whole: true, more: true }, 1);
    expect(order(floor, 1)).toBe("abc");
    floor.take({ ...told, rows: [row("a", 0.9)], whole: false, more: false }, 2);
    expect(order(floor, 2)).toBe("ac");
    board(floor, 3, row("b", 0.5));
    expect(order(floor, 3)).toBe("abc");
  });

  it("ranks as a search from the top would", () => {
    const floor = new Floor();
    let seed = 7;
    const chance = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    let plain: string[] = [];
    const scores = new Map<string, number>();
    for (let round = 0; round < 50; round += 1) {
      const rows = Array.from({ length: 10 }, () => row(`c${Math.floor(chance() * 40)}`, chance()));
      for (const { call_id, score } of rows) scores.set(call_id, score);
      const now = round * 10_000;
      board(floor, now, ...rows);
      // So late that each row has had its score for a while.
      const settled = floor.ordered(now + 9_000).map((each) => each.call_id);
      const next: string[] = [];
      for (const id of plain) {
        const at = next.findIndex((above) => scores.get(id)! - scores.get(above)! > CLEARLY);
        next.splice(at < 0 ? next.length : at, 0, id);
      }
      expect(settled.filter((id) => plain.includes(id))).toEqual(next);
      plain = settled;
    }
  });

  it("never leaves a row below one that it has clearly been hotter than", () => {
    const floor = new Floor();
    let seed = 3;
    const chance = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 60; round += 1) {
      const rows = Array.from({ length: 12 }, (_, i) => row(`c${i}`, chance()));
      board(floor, round * 10_000, ...rows);
      floor.ordered(round * 10_000);
      const settled = floor.ordered(round * 10_000 + 9_000);
      settled.forEach((lower, i) => {
        for (const upper of settled.slice(0, i)) expect(lower.score - upper.score).toBeLessThanOrEqual(CLEARLY);
      });
    }
  });

  it("lets rows go that are over, and all that a whole board does not name", () => {
    const floor = new Floor();
    board(floor, 0, row("a", 0.2), row("b", 0.1), row("c", 0));
    floor.take({ type: "board", rows: [], gone: ["a"], alerts: [], whole: false, more: false }, 1);
    expect(order(floor, 1)).toBe("bc");
    floor.take({ type: "board", rows: [row("c", 0.3)], gone: [], alerts: [], whole: true, more: false }, 2);
    expect(order(floor, 2)).toBe("c");
    expect([floor.size, floor.row("b")]).toEqual([1, undefined]);
  });

  it("filters, and lets each call's clock run on", () => {
    const floor = new Floor();
    board(floor, 1_000, row("a", 0.2, { queue: "Billing", clock_ms: 5_000 }), row("b", 0.1, { queue: "Sales" }));
    const shown = floor.ordered(1_000, (each) => each.queue === "Sales");
    expect(shown.map((each) => each.call_id)).toEqual(["b"]);
    expect(floor.clock("a", 3_500)).toBe(7_500);
    expect(floor.clock("nobody", 3_500)).toBe(0);
  });

  it("lets the time in the red run on while the call is in it", () => {
    const floor = new Floor();
    board(floor, 1_000, row("a", 0.6, { band: "frustrated", red_ms: 5_000 }), row("b", 0.4, { band: "tense", red_ms: 9 }));
    expect([floor.red("a", 3_500), floor.red("b", 3_500), floor.red("nobody", 3_500)]).toEqual([7_500, 9, 0]);
    expect(floor.counts()).toEqual({ critical: 0, frustrated: 1, tense: 1, calm: 0 });
  });
});
