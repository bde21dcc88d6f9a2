import { describe, expect, it } from "vitest";
import { guarded } from "../src/storage";
import { Memory } from "./storage";

const refused = () => {
  throw new DOMException("no", "SecurityError");
};

describe("guarded storage", () => {
  it("keeps what it is given where it may", () => {
    const memory = new Memory();
    const kept = guarded(() => memory);
    kept.setItem("a", "1");
    expect([kept.getItem("a"), memory.getItem("a"), guarded(() => memory).getItem("a")]).toEqual(["1", "1", "1"]);
    kept.removeItem("a");
    expect([kept.getItem("a"), memory.getItem("a")]).toEqual([null, null]);
  });

  it("remembers by itself where the browser lets nobody at the storage", () => {
    const kept = guarded(refused);
    expect(kept.getItem("a")).toBeNull();
    kept.setItem("a", "1");
    expect(kept.getItem("a")).toBe("1");
    kept.removeItem("a");
    expect(kept.getItem("a")).toBeNull();
  });

  it("remembers by itself what does not fit any more", () => {
    const memory = new Memory();
    memory.setItem("a", "old");
    memory.setItem = refused;
    memory.removeItem = refused;
    const kept = guarded(() => memory);
    kept.setItem("a", "new");
    expect(kept.getItem("a")).toBe("new");
    kept.removeItem("a");
    expect(kept.getItem("a")).toBeNull();
  });
});
