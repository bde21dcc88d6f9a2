import { describe, expect, it } from "vitest";
import { comesThrough, keepMode, keptMode, MODES, nextMode } from "../src/quiet";
import { Memory } from "./storage";

describe("how much comes through", () => {
  it("goes round with one key", () => {
    expect(MODES.map(nextMode)).toEqual(["critical", "off", "all"]);
  });

  it.each([
    ["all", "coach", false, false, true],
    ["all", "alert", false, false, true],
    ["critical", "alert", false, false, true],
    ["critical", "coach", false, false, false],
    ["critical", "coach", true, false, true],
    ["critical", "article", false, false, false],
    ["critical", "checklist", false, false, false],
    ["critical", "article", false, true, true],
    ["off", "alert", true, false, false],
    ["off", "alert", false, true, false],
  ] as const)("%s: %s, exempt %s, pinned %s: %s", (mode, kind, exempt, pinned, comes) => {
    expect(comesThrough(mode, { kind, exempt }, pinned)).toBe(comes);
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
