import { describe, expect, it } from "vitest";
import { Alerts, RESOLVED_SHOWN_MS } from "../src/alerts";
import type { Alert, Board } from "../src/protocol";

const alert = (call_id: string, state: Alert["state"] = "open", change: Partial<Alert> = {}): Alert => ({
  type: "alert",
  call_id,
  id: "legal",
  source: "rule",
  text: "",
  state,
  title: "Legal",
  level: "calm",
  raised: 1,
  raised_ms: 1_000,
  at_ms: 1_000,
  why: { rule: "legal", playbook: "p", condition: "", words: [], bends: [], score: null, near: [], beat: [] },
  by: "",
  reason: "",
  cause: 1,
  ...change,
});
const board = (alerts: Alert[], change: Partial<Board> = {}): Board => ({
  type: "board",
  rows: [],
  gone: [],
  alerts,
  whole: false,
  more: false,
  ...change,
});
const clock = () => 1_000;
const order = (alerts: Alerts, now: number, still = false) =>
  alerts.listed(now, still).map((kept) => `${kept.alert.call_id}:${kept.alert.state}`);

describe("the alerts", () => {
  it("are listed open first, the oldest first, then those that somebody has, then those just resolved", () => {
    const alerts = new Alerts();
    const opened = alerts.take(board([alert("a"), alert("b", "acknowledged")], { whole: true }), 1, clock);
    expect(opened.map((one) => one.call_id)).toEqual(["a"]);
    alerts.take(board([alert("c", "open", { raised_ms: 0 })]), 2, clock);
    alerts.take(board([alert("a", "resolved", { reason: "handled" }), alert("d")]), 3, clock);
    expect(order(alerts, 4)).toEqual(["c:open", "d:open", "b:acknowledged", "a:resolved"]);
    expect([alerts.open, alerts.acknowledged]).toEqual([2, 1]);
    expect(order(alerts, 3 + RESOLVED_SHOWN_MS)).toEqual(["c:open", "d:open", "b:acknowledged"]);
  });

  it("are led by the agents who ask for help, however late they ask", () => {
    const alerts = new Alerts();
    const help = { id: "agent:help", source: "agent", raised_ms: 9_000 } as const;
    alerts.take(board([alert("a"), alert("b", "open", help), alert("c", "acknowledged", help)]), 1, clock);
    expect(order(alerts, 2)).toEqual(["b:open", "a:open", "c:acknowledged"]);
  });

  it("keep their places while the reader is among them", () => {
    const alerts = new Alerts();
    alerts.take(board([alert("a"), alert("b")]), 0, clock);
    expect(order(alerts, 0)).toEqual(["a:open", "b:open"]);
    alerts.take(board([alert("a", "acknowledged"), alert("c", "open", { raised_ms: 0 })]), 1, clock);
    expect(order(alerts, 1, true)).toEqual(["a:acknowledged", "b:open", "c:open"]);
    alerts.take(board([alert("a", "resolved")]), 2, clock);
    expect(order(alerts, 60_000, true)).toEqual(["a:resolved", "b:open", "c:open"]);
    expect(order(alerts, 60_000)).toEqual(["c:open", "b:open"]);
  });

  it("are as old as the clock of their call says, and again when they are raised again", () => {
    const alerts = new Alerts();
    alerts.take(board([alert("a")]), 50_000, () => 21_000);
    expect(alerts.listed(50_000)[0]).toMatchObject({ raisedAt: 30_000, stateAt: 30_000 });
    alerts.take(board([alert("a", "acknowledged", { at_ms: 31_000 })]), 60_000, () => 31_000);
    expect(alerts.listed(60_000)[0]).toMatchObject({ raisedAt: 30_000, stateAt: 60_000 });
    const again = alerts.take(board([alert("a", "open", { raised: 2, raised_ms: 41_000 })]), 70_000, () => 41_000);
    expect(again).toHaveLength(1);
    expect(alerts.listed(70_000)[0]).toMatchObject({ raisedAt: 70_000 });
  });

  it("say nothing new of one that is told again, nor of one that was resolved before", () => {
    const alerts = new Alerts();
    alerts.take(board([alert("a")]), 0, clock);
    expect(alerts.take(board([alert("a"), alert("z", "resolved")], { whole: true }), 1, clock)).toEqual([]);
    expect(order(alerts, 1)).toEqual(["a:open"]);
  });

  it("are over with their call, and gone where a whole board does not name them", () => {
    const alerts = new Alerts();
    alerts.take(board([alert("a"), alert("b")]), 0, clock);
    alerts.take(board([], { gone: ["a"] }), 1, clock);
    const [, over] = alerts.listed(1);
    expect([over?.alert.state, over?.alert.reason]).toEqual(["resolved", "ended"]);
    alerts.take(board([], { whole: true }), 2, clock);
    expect(order(alerts, 2)).toEqual([]);
  });

  it("told anew in many frames are no news, and go when the last frame has not named them", () => {
    const alerts = new Alerts();
    alerts.take(board([alert("a"), alert("b"), alert("c")]), 0, clock);
    expect(alerts.take(board([alert("a")], { whole: true, more: true }), 1, clock)).toEqual([]);
    expect(alerts.open).toBe(3);
    expect(alerts.take(board([alert("c")]), 2, clock)).toEqual([]);
    expect(order(alerts, 2)).toEqual(["a:open", "c:open"]);
  });

  it("know which ones this person answered, until they are raised again", () => {
    const alerts = new Alerts();
    alerts.take(board([alert("a")]), 0, clock);
    alerts.answered("a legal");
    alerts.answered("nobody knows it");
    expect(alerts.mine(alerts.listed(1)[0]!)).toBe(true);
    alerts.take(board([alert("a", "open", { raised: 2 })]), 2, clock);
    expect(alerts.mine(alerts.listed(2)[0]!)).toBe(false);
  });
});
