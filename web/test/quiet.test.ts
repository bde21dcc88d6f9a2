import { describe, expect, it } from "vitest";
import { comesThrough, keepMode, keptMode, MODES, nextMode } from "../src/quiet";
import { Memory } from "./storage";

describe("how much comes through", () => {
  it("goes round with one key", () => {
    expect(MODES.map(nextMode)).toEqual(["critical", "off", "all"]);
  });

  it.each([
    ["all", "coach", false, true],
    ["all", "alert", false, true],
    ["critical", "alert", false, true],
    ["critical", "coach", false, false],
    ["critical", "article", false, false],
    ["critical", "checklist", false, false],
    ["critical", "article", true, true],
    ["off", "alert", false, false],
    ["off", "alert", true, false],
  ] as const)("%s: %s, pinned %s: %s", (mode, kind, pinned, comes) => {
    expect(comesThrough(mode, { kind }, pinned)).toBe(comes);
  });

  it("is remembered, and is all where nothing or nonsense was", () => {
    const storage = new Memory();
    expect(keptMode(storage)).toBe("all");
    keepMode("off", storage);
    expect(keptMode(storage)).toBe("off");
    storage.setItem("rtig.quiet", "loud");
    expect(keptMode(storage)).toBe("all");
  });
});
