import { beforeEach, describe, expect, it } from "vitest";
import { freshId, Outbox } from "../src/outbox";
import type { Answer, AskHelp, ClientMessage, Refused, SayToAgent, TakeBackHelp } from "../src/protocol";

const answer = (answer_id: string): Answer => ({
  type: "answer",
  call_id: "c",
  card_id: "k",
  action: "useful",
  answer_id,
});
const whisper: SayToAgent = { type: "say_to_agent", call_id: "c", whisper_id: "w", text: "hi" };
const refused = (key: string, retry: boolean): Refused => ({
  type: "error",
  code: retry ? "rate_limited" : "unknown_card",
  message: "",
  retry,
  retry_after: retry ? 3 : null,
  call_id: "c",
  key,
});

let sent: ClientMessage[];
let later: { ms: number; act: () => void }[];
let outbox: Outbox;

beforeEach(() => {
  sent = [];
  later = [];
  outbox = new Outbox(
    (message) => sent.push(message) > 0,
    (ms, act) => later.push({ ms, act }),
  );
});

describe("the outbox", () => {
  it("sends at once, and again after a loss until it is acknowledged", () => {
    outbox.say(answer("1"));
    outbox.say(whisper);
    outbox.resume();
    expect(sent).toEqual([answer("1"), whisper, answer("1"), whisper]);
    expect(outbox.take({ type: "ack", call_id: "c", key: "answer:1", epoch: 1, seq: 2 })).toBe(true);
    sent.length = 0;
    outbox.resume();
    expect(sent).toEqual([whisper]);
  });

  it("tells what was taken and what will not be", () => {
    const fate: string[] = [];
    outbox.onTaken = (deed) => fate.push(`taken ${deed.type}`);
    outbox.onRefused = (deed, code) => fate.push(`refused ${deed.type} ${code}`);
    outbox.say(whisper);
    outbox.say(answer("1"));
    outbox.take({ type: "ack", call_id: "c", key: "whisper:w", epoch: 1, seq: 2 });
    outbox.take(refused("answer:1", false));
    expect(fate).toEqual(["taken say_to_agent", "refused answer unknown_card"]);
    expect(outbox.waiting).toBe(0);
  });

  it("sends again later what is refused for now", () => {
    outbox.say(answer("1"));
    outbox.take(refused("answer:1", true));
    expect(later.map((each) => each.ms)).toEqual([3_000]);
    sent.length = 0;
    later[0]!.act();
    expect(sent).toEqual([answer("1")]);
    outbox.take({ type: "ack", call_id: "c", key: "answer:1", epoch: 1, seq: 2 });
    later[0]!.act();
    expect(sent).toHaveLength(1);
  });

  it("leaves alone what is not about its deeds", () => {
    outbox.say(answer("1"));
    expect(outbox.take({ type: "ack", call_id: "other", key: "answer:1", epoch: 1, seq: 2 })).toBe(false);
    expect(outbox.take(refused("answer:2", false))).toBe(false);
    expect(outbox.take({ type: "calls", calls: [] })).toBe(false);
    expect(outbox.waiting).toBe(1);
  });

  it("keeps the newest when a connection stays away for long", () => {
    for (let i = 0; i < 250; i += 1) outbox.say(answer(String(i)));
    expect(outbox.waiting).toBe(200);
    sent.length = 0;
    outbox.resume();
    expect(sent.at(-1)).toEqual(answer("249"));
  });

  it("knows what was done last about help, until it is acknowledged", () => {
    const ask: AskHelp = { type: "ask_help", call_id: "c", help_id: "h" };
    outbox.say(ask);
    outbox.say(answer("1"));
    expect([outbox.help("c"), outbox.help("other")]).toEqual([ask, undefined]);
    const back: TakeBackHelp = { type: "take_back_help", call_id: "c", help_id: "h" };
    outbox.say(back);
    expect(outbox.help("c")).toEqual(back);
    outbox.take({ type: "ack", call_id: "c", key: "help_back:h", epoch: 1, seq: 3 });
    outbox.take({ type: "ack", call_id: "c", key: "help:h", epoch: 1, seq: 2 });
    expect(outbox.help("c")).toBeUndefined();
  });

  it("makes ids that the wire takes and nobody else makes", () => {
    expect(freshId()).toMatch(/^[0-9a-f]{24}$/);
    expect(freshId()).not.toBe(freshId());
  });
});
