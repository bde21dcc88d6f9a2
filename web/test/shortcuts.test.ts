import { describe, expect, it } from "vitest";
import { actOf, keepShortcuts, keyOf, SHORTCUTS, type Stroke, shortcutsOn } from "../src/shortcuts";
import { Memory } from "./storage";

const stroke = (key: string, change: Partial<Stroke> = {}): Stroke => ({
  key,
  code: "",
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  repeat: false,
  isComposing: false,
  defaultPrevented: false,
  ...change,
});
const READING = { typing: false, on: true };
const act = (key: string, change?: Partial<Stroke>) => actOf(stroke(key, change), READING);

describe("the shortcuts", () => {
  it("have one key each, and one act each", () => {
    for (const of of ["key", "act"] as const) expect(new Set(SHORTCUTS.map((one) => one[of])).size).toBe(SHORTCUTS.length);
    expect([keyOf("copy"), keyOf("reason 3"), keyOf("back")]).toEqual(["c", "3", "Escape"]);
  });

  it.each(SHORTCUTS)("$key means $act", ({ key, act: meant }) => {
    expect(act(key)).toBe(meant);
  });

  it.each(SHORTCUTS.map((one) => one.key))("%s means nothing with a modifier, held down, or taken by another", (key) => {
    const spoilt = ["altKey", "ctrlKey", "metaKey", "repeat", "isComposing", "defaultPrevented"] as const;
    expect(spoilt.map((one) => act(key, { [one]: true }))).toEqual(spoilt.map(() => null));
  });

  it("take Shift for a modifier, except where a keyboard needs it for a sign", () => {
    expect([act("C", { shiftKey: true }), act("1", { shiftKey: true }), act("Escape", { shiftKey: true })]).toEqual([null, null, null]);
    expect([act("?", { shiftKey: true }), act("/", { shiftKey: true })]).toEqual(["list", "search"]);
  });

  it("do not mind Caps Lock, nor a script that has no such letters", () => {
    expect(act("U")).toBe("useful");
    expect([act("с", { code: "KeyC" }), act("ψ", { code: "KeyC" })]).toEqual(["copy", "copy"]);
    // Where the letters are elsewhere, it is the letter that counts.
    expect(act("j", { code: "KeyC" })).toBeNull();
  });

  it("leave alone whoever types, and whoever has switched them off; Esc always goes back", () => {
    for (const where of [{ typing: true, on: true }, { typing: false, on: false }]) {
      const meant = SHORTCUTS.map((one) => actOf(stroke(one.key), where)).filter(Boolean);
      expect(meant).toEqual(["back"]);
    }
  });

  it("are on until they are switched off, and stay so", () => {
    const storage = new Memory();
    expect(shortcutsOn(storage)).toBe(true);
    keepShortcuts(false, storage);
    expect(shortcutsOn(storage)).toBe(false);
    keepShortcuts(true, storage);
    expect(shortcutsOn(storage)).toBe(true);
  });
});
