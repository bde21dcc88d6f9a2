import { describe, expect, it } from "vitest";
import { inOrder, unfolded } from "../src/agenda";
import type { Checklist } from "../src/protocol";

const list = (id: string, done = 0, of = 2): Checklist => ({
  type: "checklist",
  call_id: "c",
  id,
  card: false,
  title: id,
  steps: Array.from({ length: of }, (_, i) => ({ id: `${i}`, text: "", done: i < done, words: [] })),
  withdrawn: false,
});

describe("the agenda", () => {
  it("begins with what opens a call and ends with what closes it", () => {
    const lists = ["closing", "moving-house", "open-the-call", "fault"].map((id) => list(id));
    expect(inOrder(lists).map(({ id }) => id)).toEqual(["open-the-call", "moving-house", "fault", "closing"]);
    expect(lists[0]!.id).toBe("closing");
  });

  it("folds what is done, and what closes until its time has come", () => {
    const lists = [list("opening", 1), list("moving", 2), list("fault"), list("closing")];
    expect(lists.map((each) => unfolded(each, lists))).toEqual([true, false, true, false]);
    expect(unfolded(list("closing", 1), lists)).toBe(true);
    expect(unfolded(list("closing"), [list("closing")])).toBe(true);
  });
});
