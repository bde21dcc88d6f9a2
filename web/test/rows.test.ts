import { describe, expect, it } from "vitest";
import { placeIn } from "../src/place";
import type { RuleOutcome } from "../src/protocol";
import { reasonsOf, rowsOf, sortedBy, sortOf } from "../src/rows";

function row(rule: string, more: Partial<RuleOutcome> = {}): RuleOutcome {
  return {
    rule,
    title: `Title of ${rule}`,
    kind: "article",
    draft: false,
    calls: 0,
    shown: 0,
    opened: 0,
    copied: 0,
    pinned: 0,
    useful: 0,
    dismissed: {},
    late: 0,
    withheld: {},
    ...more,
  };
}

const RULES = [
  row("b", { shown: 2, dismissed: { wrong: 1, busy: 2 } }),
  row("a", { shown: 2, kind: "coach" }),
  row("c", { shown: 9 }),
  row("d", { withheld: { cooldown: 4 } }),
];
const ids = (hash: string) => rowsOf(RULES, placeIn(hash)).map((one) => one.rule);

describe("the rows of the table", () => {
  it("are sorted as the address says, and equals by their titles", () => {
    expect(ids("")).toEqual(["c", "a", "b", "d"]);
    expect(ids("#sort=shown")).toEqual(["d", "a", "b", "c"]);
    expect(ids("#sort=-title")).toEqual(["d", "c", "b", "a"]);
    expect(ids("#sort=-dismissed")[0]).toBe("b");
    expect(ids("#sort=-withheld")[0]).toBe("d");
    expect(ids("#sort=nonsense")).toEqual(ids(""));
  });

  it("are filtered by kind, by words of the title or the id, and by never having come", () => {
    expect(ids("#kind=coach")).toEqual(["a"]);
    expect(ids("#find=TITLE+of+C")).toEqual(["c"]);
    expect(ids("#find=zzz")).toEqual([]);
    expect(ids("#never=1")).toEqual(["d"]);
  });

  it("turn around where their column is asked for again", () => {
    expect(sortedBy("-shown", "shown")).toBe("shown");
    expect(sortedBy("shown", "shown")).toBe("-shown");
    expect(sortedBy("-shown", "useful")).toBe("-useful");
    expect(sortedBy("-shown", "title")).toBe("title");
    expect(sortOf("title")).toEqual({ column: "title", down: false });
  });

  it("tell reasons, the commonest first", () => {
    expect(reasonsOf({ wrong: 1, busy: 2, known: 1 })).toEqual([
      ["busy", 2],
      ["known", 1],
      ["wrong", 1],
    ]);
  });
});
