import { describe, expect, it } from "vitest";

const SOURCES: Record<string, string> = import.meta.glob("../src/**/*.ts", { query: "?raw", import: "default", eager: true });

/** Events of these are only on pages that nobody embeds. */
const ALONE = ["rtig-begin", "rtig-cancel", "rtig-wanted"];

describe("what other pages hear", () => {
  it("is none of the events between our own components", () => {
    const composed = /(?:super|new Event)\("(rtig-[a-z-]+)", \{[^}]*composed/g;
    const made = Object.values(SOURCES).flatMap((source) => [...source.matchAll(composed)].map(([, name]) => name!));
    const kept = SOURCES["../src/outside.ts"]!.split("const INNER = [")[1]!.split("]")[0]!.match(/rtig-[a-z-]+/g)!;
    expect([...new Set(made)].filter((name) => !ALONE.includes(name)).sort()).toEqual(kept.sort());
  });
});
