import { describe, expect, it } from "vitest";
import { endWords, Histories, whereWords } from "../src/history";
import type { Brief, ClientMessage, Contact, History } from "../src/protocol";

const contact = (call_id: string, change: Partial<Contact> = {}): Contact => ({
  call_id,
  state: "ended",
  reason: "completed",
  channel: "voice",
  agent: "ann",
  queue: "billing",
  started_at: 0,
  lasted_ms: 0,
  band: "calm",
  because: "",
  ...change,
});
const brief = (call_id: string) => ({ call_id }) as Brief;
const history = (call_id: string, ...contacts: string[]): History => ({
  type: "history",
  call_id,
  contacts: contacts.map((id) => contact(id)),
  brief: contacts[0] ? brief(contacts[0]) : null,
});

describe("the histories", () => {
  it("are asked for once a call, and again where no answer came", () => {
    const sent: ClientMessage[] = [];
    const histories = new Histories((message) => sent.push(message));
    histories.ask("c");
    histories.ask("c");
    histories.take(history("c"));
    histories.ask("c");
    expect(sent).toEqual([
      { type: "ask_history", call_id: "c" },
      { type: "ask_history", call_id: "c" },
    ]);
    expect(histories.of("c")?.contacts).toEqual([]);
  });

  it("hold the briefs of contacts, and of nothing else, as long as the call is on screen", () => {
    const sent: ClientMessage[] = [];
    const histories = new Histories((message) => sent.push(message));
    histories.take(history("c", "new", "old"));
    histories.take({ type: "brief", brief: brief("c") });
    expect([histories.brief("new"), histories.brief("old"), histories.brief("c")]).toEqual([
      brief("new"),
      undefined,
      undefined,
    ]);
    histories.askBrief("new");
    histories.askBrief("old");
    expect(sent).toEqual([{ type: "ask_brief", call_id: "old" }]);
    histories.take({ type: "brief", brief: brief("old") });
    expect(histories.brief("old")).toEqual(brief("old"));
    histories.keep(["another"]);
    expect([histories.of("c"), histories.brief("old")]).toEqual([undefined, undefined]);
  });
});

describe("a contact in words", () => {
  it("says where it was and how it ended", () => {
    expect(whereWords(contact("c", { channel: "chat", agent: "" }))).toBe("Chat · billing");
    expect(endWords(contact("c"))).toBe("Calm");
    expect(endWords(contact("c", { band: "tense", because: "has waited long" }))).toBe("Tense: has waited long");
    expect(endWords(contact("c", { reason: "transferred" }))).toBe("Transferred · Calm");
    expect(endWords(contact("c", { reason: "abandoned" }))).toBe("Lost · Calm");
    expect(endWords(contact("c", { state: "live", reason: "" }))).toBe("Going on · Calm");
  });
});
