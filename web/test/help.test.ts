import { describe, expect, it } from "vitest";
import { helpState } from "../src/help";
import type { AskHelp, Help, TakeBackHelp } from "../src/protocol";

const help = (state: Help["state"], change: Partial<Help> = {}): Help => ({
  type: "help",
  call_id: "c",
  id: "h1",
  state,
  text: "",
  asked: 1,
  asked_ms: 10_000,
  at_ms: 10_000,
  by: "",
  reason: "",
  ...change,
});
const ask: AskHelp = { type: "ask_help", call_id: "c", help_id: "h2", text: "a refund" };
const back: TakeBackHelp = { type: "take_back_help", call_id: "c", help_id: "h1" };

describe("the request for help", () => {
  it("is none until somebody asks, and on its way until the server has it", () => {
    expect(helpState(null, undefined, 0).phase).toBe("none");
    expect(helpState(null, ask, 0)).toMatchObject({ phase: "asking", id: "h2", text: "a refund" });
    expect(helpState(help("resolved", { text: "of before" }), { ...ask, text: "" }, 0)).toMatchObject({
      phase: "asking",
      text: "",
    });
  });

  it("says since when it stands and who is on it", () => {
    expect(helpState(help("open"), undefined, 22_400)).toMatchObject({
      phase: "asked",
      id: "h1",
      words: "Asked for help",
      ago: "0:12",
    });
    expect(helpState(help("acknowledged", { by: "Eve" }), undefined, 0)).toMatchObject({
      phase: "coming",
      words: "Eve is on it",
    });
    expect(helpState(help("acknowledged"), undefined, 0).words).toBe("A supervisor is on it");
  });

  it("shows the words that are on their way, and those that have come", () => {
    expect(helpState(help("open"), ask, 0)).toMatchObject({ phase: "asked", id: "h1", text: "a refund" });
    expect(helpState(help("open", { text: "a credit" }), undefined, 0).text).toBe("a credit");
  });

  it("is gone as soon as it is taken back", () => {
    expect(helpState(help("acknowledged"), back, 0).phase).toBe("none");
    expect(helpState(help("resolved", { reason: "withdrawn" }), undefined, 10_000).phase).toBe("none");
  });

  it("says for a while that somebody has dealt with it", () => {
    const over = help("resolved", { reason: "handled", by: "Eve" });
    expect(helpState(over, undefined, 29_000)).toMatchObject({ phase: "over", words: "Eve has dealt with it" });
    expect(helpState(over, undefined, 31_000).phase).toBe("none");
  });
});
