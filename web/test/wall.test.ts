import { describe, expect, it } from "vitest";
import { Alerts } from "../src/alerts";
import type { Alert } from "../src/protocol";
import { hottest, isWall, pressing } from "../src/wall";
import { row } from "./items";

const alert = (call_id: string, state: Alert["state"]): Alert => ({
  type: "alert",
  call_id,
  id: "legal",
  state,
  title: "A lawyer",
  level: "tense",
  raised: 1,
  source: "rule",
  text: "",
  raised_ms: 0,
  at_ms: 0,
  why: { rule: "legal", playbook: "p", condition: "said", words: [], bends: [], score: null, near: [], beat: [] },
  by: "",
  reason: "",
  cause: 1,
});
const ids = (rows: { call_id: string }[]) => rows.map((each) => each.call_id).join("");

describe("the wallboard", () => {
  it("shows the calls in trouble, in the order of the rows, and no more than can be read", () => {
    const rows = [
      row("a", 0.9, { band: "critical" }),
      row("b", 0.4, { band: "tense" }),
      row("c", 0.6, { band: "frustrated" }),
      row("d", 0.1, { band: "calm" }),
    ];
    expect(ids(hottest(rows))).toBe("ac");
    expect(ids(hottest(rows, 1))).toBe("a");
    expect(ids(hottest(rows.slice(1, 2).concat(rows.slice(3))))).toBe("b");
    expect(hottest(rows.slice(3))).toEqual([]);
  });

  it("is asked for in the address, either way", () => {
    const asked = ([search, hash]: [string, string]) => isWall({ search, hash });
    expect(([["?wall", ""], ["?queue=a&wall=", ""], ["", "#wall"], ["", "#agent=a&wall"]] as [string, string][]).every(asked)).toBe(true);
    expect(([["", ""], ["?walls", "#call=wall"]] as [string, string][]).some(asked)).toBe(false);
  });

  it("shows alerts that nobody has resolved, and counts those that find no room", () => {
    const alerts = new Alerts();
    const told = (...given: Alert[]) =>
      alerts.take({ type: "board", rows: [], gone: [], alerts: given, whole: false, more: false }, 1_000, () => 0);
    told(alert("a", "open"), alert("b", "acknowledged"), alert("c", "open"), alert("d", "open"));
    told(alert("d", "resolved"));
    const listed = alerts.listed(1_000);
    expect(ids(pressing(listed).shown.map((kept) => kept.alert))).toBe("acb");
    expect(pressing(listed).more).toBe(0);
    expect(ids(pressing(listed, 2).shown.map((kept) => kept.alert))).toBe("ac");
    expect(pressing(listed, 2).more).toBe(1);
  });
});
