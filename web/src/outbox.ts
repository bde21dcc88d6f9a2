// What a person did, kept until the server has it: sent at once, sent again after a loss. Its ids make that harmless.

import type { HelpDeed } from "./help";
import type { Answer, AnswerAlert, ClientMessage, SayToAgent, SendHandover, ServerMessage } from "./protocol";

export type Deed = Answer | AnswerAlert | SayToAgent | SendHandover | HelpDeed;

/** Clicks of many minutes without a connection; beyond it the oldest has lost its meaning. */
const MOST_KEPT = 200;

export class Outbox {
  /** A deed that the server will not take. */
  onRefused: (deed: Deed, code: string, message: string) => void = () => {};
  onTaken: (deed: Deed) => unknown = () => {};

  #pending = new Map<string, Deed>();
  #send: (message: ClientMessage) => boolean;
  #later: (ms: number, act: () => void) => void;

  constructor(
    send: (message: ClientMessage) => boolean,
    later: (ms: number, act: () => void) => void = (ms, act) => void setTimeout(act, ms),
  ) {
    this.#send = send;
    this.#later = later;
  }

  say(deed: Deed): void {
    this.#pending.set(eventKey(deed), deed);
    for (const key of this.#pending.keys()) {
      if (this.#pending.size <= MOST_KEPT) break;
      this.#pending.delete(key);
    }
    this.#send(deed);
  }

  /** A connection stands: everything unanswered goes out again. */
  resume(): void {
    for (const deed of this.#pending.values()) this.#send(deed);
  }

  /** True when the message was about a deed. One that is refused for now goes out again a little later. */
  take(message: ServerMessage): boolean {
    if (message.type !== "ack" && message.type !== "error") return false;
    const deed = this.#pending.get(message.key);
    if (!deed || deed.call_id !== message.call_id) return false;
    if (message.type === "ack") {
      this.#pending.delete(message.key);
      this.onTaken(deed);
    } else if (message.retry) {
      this.#later((message.retry_after ?? 2) * 1000, () => this.#pending.has(message.key) && this.#send(deed));
    } else {
      this.#pending.delete(message.key);
      this.onRefused(deed, message.code, message.message);
    }
    return true;
  }

  /** What was done last about help in a call and is not acknowledged yet. */
  help(callId: string): HelpDeed | undefined {
    return [...this.#pending.values()].findLast(
      (deed): deed is HelpDeed =>
        deed.call_id === callId && (deed.type === "ask_help" || deed.type === "take_back_help"),
    );
  }

  /** Whether something that was left for the next agent of a call is not acknowledged yet. */
  leaves(callId: string): boolean {
    return [...this.#pending.values()].some((deed) => deed.type === "send_handover" && deed.call_id === callId);
  }

  get waiting(): number {
    return this.#pending.size;
  }
}

function eventKey(deed: Deed): string {
  switch (deed.type) {
    case "answer":
      return `answer:${deed.answer_id}`;
    case "answer_alert":
      return `alert:${deed.answer_id}`;
    case "ask_help":
      return `help:${deed.help_id}`;
    case "take_back_help":
      return `help_back:${deed.help_id}`;
    case "send_handover":
      return `handover:${deed.handover_id}`;
    case "say_to_agent":
      return `whisper:${deed.whisper_id}`;
  }
}

/** An id that no other screen makes. `crypto.randomUUID` is missing on plain http, so it is not used. */
export function freshId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
