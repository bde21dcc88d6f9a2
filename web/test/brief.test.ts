import { describe, expect, it } from "vitest";
import { asOf, briefText, ledBy, spots } from "../src/brief";
import { Call } from "../src/call";
import { Desk } from "../src/desk";
import type { Brief, BriefLine } from "../src/protocol";
import { quote } from "./items";

const line = (text: string, at_ms: number, change: Partial<BriefLine> = {}): BriefLine => ({
  text,
  at_ms,
  words: [quote(text, 0)],
  what: "",
  when: "",
  ...change,
});

const brief = (change: Partial<Brief> = {}): Brief => ({
  call_id: "c",
  state: "live",
  reason: "",
  channel: "voice",
  agent: "desk-1",
  queue: "billing",
  customer: "account-7",
  started_at: 0,
  at_ms: 65_000,
  playbook: "p",
  mood: { score: 0.1, band: "calm", highest: "tense", highest_ms: 30_000, turns: [] },
  who: [],
  asked: [],
  tried: [],
  promised: [],
  articles: [],
  open: [],
  handover: null,
  ...change,
});

describe("a brief as text", () => {
  it("has a title for each part that has lines, and the time of each", () => {
    const text = briefText(
      brief({
        reason: "transferred",
        state: "ended",
        who: [line("two oh five", 22_000, { what: "account number" })],
        asked: [line("my bill has doubled", 7_000)],
        tried: [
          line("still the same", 41_000),
          line("", 4_000, { what: "Opening: 5 of 5 done", words: [] }),
          line("i have reset it", 40_000, { words: [{ ...quote("i have reset it", 0), party: "agent" }] }),
        ],
        mood: {
          ...brief().mood,
          turns: [line("took a day off", 30_000, { what: "tense: feels their time is wasted" })],
        },
        articles: [{ id: "a", title: "Doubled bills", version: "v", did: ["opened"], at_ms: 8_000, words: [] }],
      }),
    );
    expect(text).toBe(
      [
        "c: account-7, desk-1, billing, voice",
        "Call transferred after 1:05",
        "",
        "Who",
        "0:22 account number: two oh five",
        "",
        "Asked",
        "0:07 my bill has doubled",
        "",
        "Tried and told",
        "0:41 customer: still the same",
        "0:04 Opening: 5 of 5 done",
        "0:40 i have reset it",
        "",
        "Mood: Calm, tense at 0:30",
        "0:30 tense: feels their time is wasted: took a day off",
        "",
        "Articles",
        "0:08 Doubled bills (opened)",
        "",
      ].join("\n"),
    );
  });

  it("says how far the call had come", () => {
    expect(asOf(brief())).toBe("As of 1:05");
    expect(ledBy("asked", line("a", 0))).toBe("");
  });
});

describe("the words of a line", () => {
  it("are sought from the first to the last of each segment", () => {
    const found = spots([quote("it is", 0, "a"), quote("five", 10, "a"), quote("two", 0, "b")]);
    expect(found.map(({ segment_id, start, end }) => [segment_id, start, end])).toEqual([
      ["a", 0, 14],
      ["b", 0, 3],
    ]);
  });
});

describe("the brief of a call", () => {
  it("is kept by its call, the latest one, until the call is told anew", () => {
    const desk = new Desk(() => {}, "c");
    desk.resume();
    const call = desk.calls[0] as Call;
    desk.take({ type: "brief", brief: brief({ at_ms: 9_000 }) }, 0);
    desk.take({ type: "brief", brief: brief({ at_ms: 5_000 }) }, 0);
    desk.take({ type: "brief", brief: brief({ call_id: "another" }) }, 0);
    expect(call.brief?.at_ms).toBe(9_000);
    call.take({ type: "start_over", call_id: "c", epoch: 2 }, 0);
    expect(call.brief).toBeNull();
  });
});
