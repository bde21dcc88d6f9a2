import { describe, expect, it } from "vitest";
import { clockWords, codeWords, deedWords, lostWords, reviewDue, trendWord } from "../src/words";

describe("words", () => {
  it("says what the agent did with a card", () => {
    expect(deedWords({ card_id: "k", did: ["opened", "dismissed"], reason: "late" })).toBe(
      "By the agent: opened, dismissed as too late.",
    );
    expect(deedWords({ card_id: "k", did: ["useful"], reason: "" })).toBe("By the agent: found useful.");
  });

  it("tell times", () => {
    expect([-5, 0, 75_999, 3_675_000].map(clockWords)).toEqual(["0:00", "0:00", "1:15", "1:01:15"]);
  });

  it("tell a person what to do where a person can do something, and else repeat the server", () => {
    expect(codeWords("unauthenticated", "x")).toContain("sign in");
    expect(codeWords("call_full", "The call is full.")).toBe("The call is full.");
    expect(codeWords("new_code", "")).toBe("Something went wrong on the server.");
  });

  it("stay quiet about a loss", () => {
    expect(lostWords("")).toBe("Connection lost, trying again");
    expect(lostWords("draining")).toBe("The server is being restarted, trying again");
    expect(lostWords("bad_json")).toBe("Connection lost, trying again");
  });

  it("tell where a score is going", () => {
    expect(trendWord([])).toBe("steady");
    expect(trendWord([0.1, 0.1, 0.4])).toBe("rising");
    expect(trendWord([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])).toBe("falling");
  });

  it("know an article past its review date", () => {
    const now = new Date("2026-11-05T10:00:00Z");
    expect(["2026-11-04", "2026-11-05", "2027-01-01", "", "soon"].map((day) => reviewDue(day, now))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
