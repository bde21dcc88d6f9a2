import { describe, expect, it } from "vitest";
import { Marks } from "../src/marks";
import { Memory } from "./storage";

describe("marks", () => {
  it("add up for a card, and survive a reload", () => {
    const storage = new Memory();
    const marks = new Marks(storage);
    marks.set("c", "k", { useful: true });
    marks.set("c", "k", { pinned: true });
    expect(new Marks(storage).of("c", "k")).toEqual({ useful: true, pinned: true });
    expect(new Marks(storage).of("c", "other")).toEqual({});
  });

  it("are bounded, oldest first", () => {
    const storage = new Memory();
    const marks = new Marks(storage);
    for (let i = 0; i < 400; i += 1) marks.set("c", `k${i}`, { useful: true });
    expect([marks.of("c", "k0"), marks.of("c", "k399")]).toEqual([{}, { useful: true }]);
  });

  it("start empty when the storage holds something else", () => {
    const storage = new Memory();
    storage.setItem("rtig.marks", "{");
    expect(new Marks(storage).of("c", "k")).toEqual({});
    storage.setItem("rtig.marks", '"text"');
    expect(new Marks(storage).of("c", "k")).toEqual({});
  });
});
