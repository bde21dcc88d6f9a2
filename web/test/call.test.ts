import { describe, expect, it } from "vitest";
import { Call, pieces, sinceStart } from "../src/call";
import type { Checklist } from "../src/protocol";
import { card, frame, info, line, mood, quote } from "./items";

const texts = (call: Call) => call.lines.map((each) => each.text);

describe("items replace what has their identity", () => {
  it("puts lines in the order of speech, whatever order they come in", () => {
    const call = new Call("c");
    call.take(frame(1, line("b", "second", { start_ms: 2000 }), line("a", "first", { start_ms: 1000 })), 0);
    call.take(frame(2, line("c", "at the same time", { start_ms: 2000 })), 0);
    expect(texts(call)).toEqual(["first", "second", "at the same time"]);
    call.take(frame(3, line("b", "second, moved", { start_ms: 500, rev: 2 })), 0);
    expect(texts(call)).toEqual(["second, moved", "first", "at the same time"]);
  });

  it("takes a newer revision and a late correction of the party, not an older revision", () => {
    const call = new Call("c");
    call.take(frame(1, line("a", "hello w", { rev: 4, final: false })), 0);
    call.take(frame(2, line("a", "hello", { rev: 3, final: false })), 0);
    expect(texts(call)).toEqual(["hello w"]);
    call.take(frame(3, line("a", "hello w", { rev: 4, party: "agent" })), 0);
    expect(call.line("a")?.party).toBe("agent");
  });

  it("removes a voided line", () => {
    const call = new Call("c");
    call.take(frame(1, line("a", "echo"), line("b", "words")), 0);
    call.take(frame(2, line("a", "", { voided: true, rev: 2 })), 0);
    expect(texts(call)).toEqual(["words"]);
    expect(call.line("a")).toBeUndefined();
  });

  it("keeps a card's latest state although an older one is told again", () => {
    const call = new Call("c");
    call.take(frame(1, card("a", { state: "retracted", cause: 9 })), 0);
    call.take(frame(2, card("a", { state: "provisional", cause: 4 })), 0);
    expect(call.cards.get("a")?.state).toBe("retracted");
  });

  it("keeps one mood, checklists, hints and whispers by id, and what was withheld", () => {
    const call = new Call("c");
    call.take(frame(1, mood(0.1), mood(0.6, { band: "frustrated" })), 0);
    for (const done of [false, true]) {
      const steps = [{ id: "s", text: "Greet", done, words: [] }];
      call.take(frame(2, { type: "checklist", call_id: "c", id: "l", card: false, title: "T", steps, withdrawn: false }), 0);
    }
    call.take(frame(3, { type: "whisper", call_id: "c", id: "w", text: "hi", by: "", at_ms: 1 }), 0);
    call.take(frame(4, { type: "hint", call_id: "c", id: "h", name: "angry", value: 1, at_ms: 1 }), 0);
    for (let i = 0; i < 120; i += 1) {
      call.take(
        frame(5 + i, { type: "withheld", call_id: "c", rule: `r${i}`, reason: "once", by: "", at_ms: i, words: [] }),
        0,
      );
    }
    expect(call.mood?.band).toBe("frustrated");
    expect([...call.checklists.values()].map((list) => list.steps[0]?.done)).toEqual([true]);
    expect([call.whispers.size, call.hints.size, call.withheld.length]).toEqual([1, 1, 100]);
    expect(call.withheld.at(-1)?.rule).toBe("r119");
  });

  it("keeps the steps of a card apart from the checklists, until they are withdrawn", () => {
    const call = new Call("c");
    const list: Checklist = { type: "checklist", call_id: "c", id: "bill.1", card: true, title: "T", steps: [], withdrawn: false };
    call.take(frame(1, list), 0);
    expect([call.checklists.size, call.steps.get("bill.1")]).toEqual([0, list]);
    call.take(frame(2, { ...list, withdrawn: true }), 0);
    expect(call.steps.size).toBe(0);
  });

  it("overlooks an item of a kind that it does not know", () => {
    const call = new Call("c");
    call.take(frame(1, { type: "hologram", call_id: "c" } as never), 0);
    expect(call.version).toBe(1);
  });
});

describe("position", () => {
  it("asks for the whole at first, then for what came after", () => {
    const call = new Call("c");
    expect(call.watch()).toEqual({ type: "watch", call_id: "c" });
    call.take(frame(7, line("a", "x")), 0);
    call.take({ type: "caught_up", call_id: "c", epoch: 1, seq: 9 }, 0);
    expect(call.caughtUp).toBe(true);
    expect(call.watch().after).toEqual({ epoch: 1, seq: 9 });
  });

  it("forgets everything when the server says so", () => {
    const call = new Call("c");
    call.take(frame(7, info(), line("a", "x"), card("a"), mood(0.5)), 0);
    call.take({ type: "start_over", call_id: "c", epoch: 2 }, 0);
    expect(call.watch().after).toBeUndefined();
    expect([call.info, call.mood, call.lines.length, call.cards.size]).toEqual([null, null, 0, 0]);
    call.take({ ...frame(1, line("b", "y")), epoch: 2 }, 0);
    expect(call.watch().after).toEqual({ epoch: 2, seq: 1 });
    expect(texts(call)).toEqual(["y"]);
  });
});

describe("the call's clock", () => {
  it("runs on from the latest time heard of", () => {
    const call = new Call("c");
    call.take(frame(1, info(), line("a", "x", { end_ms: 30_000 })), 1_000_000);
    expect(call.clock(1_005_000)).toBe(35_000);
    call.take(frame(2, line("b", "y", { end_ms: 31_000 })), 1_006_000);
    expect(call.clock(1_006_000)).toBe(36_000);
  });

  it("uses the start where that says more, and not where it cannot be right", () => {
    const now = 1_800_000_000_000;
    expect(sinceStart(now - 90_000, now, 60_000)).toBe(90_000);
    expect(sinceStart(0, now, 60_000)).toBe(0);
    expect(sinceStart(now + 5_000, now, 0)).toBe(0);
    expect(sinceStart(now - 3_600_000, now, 60_000)).toBe(0);
    expect(sinceStart(now - 30 * 86_400_000, now, 60_000)).toBe(0);
  });

  it("stands still when the call has ended", () => {
    const call = new Call("c");
    call.take(frame(1, info(), line("a", "x", { end_ms: 30_000 })), 0);
    call.take(frame(2, info({ state: "ended", ended_ms: 42_000 })), 99);
    expect(call.clock(1_000_000)).toBe(42_000);
  });
});

describe("evidence", () => {
  it("is the words of cards that stand and of the mood", () => {
    const call = new Call("c");
    const why = (text: string) => ({ rule: "r", playbook: "p", condition: "", words: [quote(text, 0)], bends: [], score: null, near: [], beat: [] });
    call.take(frame(1, card("a", { why: why("kept") }), card("b", { state: "retracted", why: why("gone") })), 0);
    const reason = { what: "w", weight: 0.1, at_ms: 0, words: [quote("angry", 3, "s2")] };
    call.take(frame(2, mood(0.4, { reasons: [reason] })), 0);
    const words = [...call.evidence()].map(([segment, quotes]) => [segment, quotes.map((each) => each.text)]);
    expect(words).toEqual([
      ["s1", ["kept"]],
      ["s2", ["angry"]],
    ]);
  });

  const marked = (text: string, ...quotes: ReturnType<typeof quote>[]) =>
    pieces(text, quotes, null)
      .map((piece) => (piece.marked ? `[${piece.text}]` : piece.text))
      .join("");

  it("marks the quoted characters", () => {
    expect(marked("I was charged twice today", quote("charged twice", 6))).toBe("I was [charged twice] today");
    expect(marked("nothing here")).toBe("nothing here");
  });

  it("joins marks that overlap or touch", () => {
    expect(marked("one two three", quote("one two", 0), quote("two three", 4))).toBe("[one two three]");
  });

  it("counts characters as the server does: an emoji is one", () => {
    expect(marked("😀😀 charged twice 😀", quote("charged twice", 3))).toBe("😀😀 [charged twice] 😀");
  });

  it("finds words that a newer text has moved, and marks nothing where they are gone", () => {
    expect(marked("well, I was Charged twice", quote("charged twice", 0))).toBe("well, I was [Charged twice]");
    expect(marked("I was charged once", quote("charged twice", 6))).toBe("I was charged once");
  });

  it("tells the words that the reader seeks from the others", () => {
    const cut = pieces("one two three", [quote("one two three", 0)], quote("two", 4));
    expect(cut.map((piece) => [piece.text, piece.marked, piece.sought])).toEqual([
      ["one ", true, false],
      ["two", true, true],
      [" three", true, false],
    ]);
  });
});
