import { describe, expect, it } from "vitest";
import {
  clockWords,
  codeWords,
  deedWords,
  lostWords,
  reviewDue,
  riskWord,
  trendWord,
  whenWords,
  stepsWords,
} from "../src/words";

describe("words", () => {
  it("says what the agent did with a card", () => {
    expect(deedWords({ card_id: "k", did: ["opened", "dismissed"], reason: "late" })).toBe(
      "By the agent: opened, dismissed as too late.",
    );
    expect(deedWords({ card_id: "k", did: ["useful"], reason: "" })).toBe("By the agent: found useful.");
  });

  it("tell times", () => {
    expect([-5, 0, 75_999, 3_675_000].map(clockWords)).toEqual(["0:00", "0:00", "1:15", "1:01:15"]);
    expect([stepsWords(1, 0), stepsWords(3, 0), stepsWords(3, 2)]).toEqual(["1 step", "3 steps", "2 of 3 steps done"]);
  });

  it("say when something was as people do", () => {
    const at = (text: string) => new Date(text).getTime();
    const now = at("2026-11-27T09:00:00");
    expect(whenWords(at("2026-11-27T08:05:00"), now)).toBe("Today 08:05");
    expect(whenWords(at("2026-11-26T23:59:00"), now)).toBe("Yesterday 23:59");
    expect(whenWords(at("2026-11-02T14:30:00"), now)).toBe("Mon 2 Nov, 14:30");
    expect(whenWords(at("2025-12-31T14:30:00"), now)).toBe("31 Dec 2025, 14:30");
  });

  it("tell a person what to do where a person can do something, and else repeat the server", () => {
    expect(codeWords("unauthenticated", "x")).toContain("sign in");
    expect(codeWords("call_full", "The call is full.")).toBe("The call is full.");
    expect(codeWords("new_code", "")).toBe("Something went wrong on the server.");
  });

  it("stay quiet about a loss", () => {
    expect(lostWords("")).toBe("Connection lost, retrying");
    expect(lostWords("draining")).toBe("The server is restarting, retrying");
    expect(lostWords("bad_json")).toBe("Connection lost, retrying");
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

  it("call a risk by words, from where it is far above that of any call", () => {
    expect([0, 0.14, 0.15, 0.39, 0.4, 1].map(riskWord)).toEqual([
      "",
      "",
      "may end badly",
      "may end badly",
      "likely to end badly",
      "likely to end badly",
    ]);
  });
});
