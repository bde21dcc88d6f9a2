import { describe, expect, it } from "vitest";
import { EVERYTHING, type Filter, filterOf, isEverything, searchOf, typed, wants } from "../src/filter";
import { row } from "./items";

const of = (change: Partial<Filter>): Filter => ({ ...EVERYTHING, ...change });
const passes = (change: Partial<Filter>, alerting: string[] = []) =>
  [
    row("a", 0, { agent: "desk-1", queue: "Sales North", band: "calm" }),
    row("b", 0, { agent: "desk-10", queue: "billing", band: "critical" }),
    row("c", 0, { agent: "", queue: "", band: "tense" }),
  ]
    .filter(wants(of(change), new Set(alerting)))
    .map((each) => each.call_id)
    .join("");

describe("the filter", () => {
  it("looks for words in queue and agent, and at whole names of what was chosen", () => {
    expect(passes({})).toBe("abc");
    expect(passes({ words: " DESK-1 " })).toBe("ab");
    expect(passes({ words: "north" })).toBe("a");
    expect(passes({ agent: "Desk-1" })).toBe("a");
    expect(passes({ queue: "sales north" })).toBe("a");
    expect(passes({ queue: "sales" })).toBe("");
    expect(passes({ bands: ["critical", "tense"] })).toBe("bc");
    expect(passes({ alerts: true }, ["c", "x"])).toBe("c");
    expect(passes({ words: "desk", bands: ["critical"], alerts: true }, ["b"])).toBe("b");
  });

  it("takes choices out of what is typed, once they are finished", () => {
    expect(typed("queue:bill", false)).toEqual({ rest: "queue:bill", chosen: {} });
    expect(typed("queue:billing ", false)).toEqual({ rest: "", chosen: { queue: "billing" } });
    expect(typed("queue:bill", true)).toEqual({ rest: "", chosen: { queue: "bill" } });
    expect(typed('late Queue:"Sales North"', false)).toEqual({ rest: "late", chosen: { queue: "Sales North" } });
    expect(typed('queue:"Sales No', false).chosen).toEqual({});
    expect(typed('agent:"', false).chosen).toEqual({});
    expect(typed("agent:desk-1 band:tense,critical has:alert x", true)).toEqual({
      rest: "x",
      chosen: { agent: "desk-1", bands: ["critical", "tense"], alerts: true },
    });
  });

  it("leaves what it does not understand as words", () => {
    for (const text of ["band:angry ", "has:time ", "queue: ", "billing  team", "colour:red "]) {
      expect(typed(text, false)).toEqual({ rest: text, chosen: {} });
    }
  });

  it("survives the address, beside whatever else is there", () => {
    const filters = [
      of({ words: "desk & co" }),
      of({ queue: "Sales North", bands: ["critical", "frustrated"], alerts: true }),
      of({ agent: "desk=1" }),
      EVERYTHING,
    ];
    for (const filter of filters) expect(filterOf(searchOf(filter, "?wall&lang=en"))).toEqual(filter);
    expect(searchOf(filters[1]!, "?wall")).toBe("?wall&queue=Sales+North&band=critical,frustrated&alerts=yes");
    expect(searchOf(EVERYTHING, "?queue=billing&alerts=yes")).toBe("");
    expect(filterOf("?band=angry,tense&alerts")).toEqual(of({ bands: ["tense"], alerts: true }));
  });

  it("knows when it lets everything through", () => {
    expect([EVERYTHING, of({ words: "  " }), of({ alerts: true })].map(isEverything)).toEqual([true, true, false]);
  });
});
