// The calls of one agent: which are live, which is on screen, and what is told about each.

import { Call } from "./call";
import type { Card, ClientMessage, ServerMessage } from "./protocol";

export class Desk {
  /** Newest first; an ended call stays while it is the one on screen. */
  calls: Call[] = [];
  current: Call | null = null;
  /** The server has said which calls are live. */
  announced = false;

  #say: (message: ClientMessage) => void;
  /** Opened by its id rather than announced as this agent's: stays although no announcement names it. */
  #asked: string;
  #seen = new Map<string, Set<string>>();

  constructor(say: (message: ClientMessage) => void, asked = "") {
    this.#say = say;
    this.#asked = asked;
  }

  /** A connection stands: follow again whatever was being followed, each from its position. */
  resume(): void {
    for (const call of this.calls) if (!call.ended || !call.caughtUp) this.#say(call.watch());
    if (this.#asked && !this.#find(this.#asked)) {
      this.#begin(this.#asked);
      this.current ??= this.#find(this.#asked) ?? null;
    }
  }

  take(message: ServerMessage, now: number): void {
    switch (message.type) {
      case "calls": {
        this.announced = true;
        const live = message.calls.map((summary) => summary.call_id);
        for (const call of this.calls) {
          call.gone = !live.includes(call.id) && call.id !== this.#asked;
          // What is on screen stays until the next one begins, also when its past is still on the way.
          if (call.gone && call !== this.current) this.#drop(call);
        }
        const begun = live.filter((id) => !this.#find(id));
        for (const id of begun.toReversed()) this.#begin(id);
        if (begun[0] && (!this.current || this.current.ended)) this.show(begun[0]);
        return;
      }
      case "guidance":
      case "start_over":
      case "caught_up":
        this.#find(message.call_id)?.take(message, now);
        return;
      case "brief":
        this.#find(message.brief.call_id)?.takeBrief(message.brief);
        return;
      case "error": {
        const call = message.code === "unknown_call" ? this.#find(message.call_id) : undefined;
        if (!call) return;
        call.gone = true;
        if (call !== this.current || !call.info) this.#drop(call);
        return;
      }
      default:
    }
  }

  /** Follows a call by its id, whether it is announced as this agent's or not, and puts it on screen. */
  open(id: string): void {
    if (!this.#find(id)) {
      this.#asked = id;
      this.#begin(id);
    }
    this.show(id);
  }

  /** Puts a call on screen; ended ones that are not on screen are let go. */
  show(id: string): void {
    this.current = this.#find(id) ?? this.current;
    for (const call of this.calls) if (call.ended && call !== this.current) this.#drop(call);
  }

  /** The reader has the current call before the eyes. */
  look(): void {
    if (this.current) this.#seen.set(this.current.id, new Set(this.current.cards.keys()));
  }

  /** How many such cards came to a call while another was on screen. */
  unseen(call: Call, such: (card: Card) => boolean = () => true): number {
    if (call === this.current) return 0;
    const seen = this.#seen.get(call.id);
    const fresh = (card: Card) => card.state !== "retracted" && !seen?.has(card.id) && such(card);
    return [...call.cards.values()].filter(fresh).length;
  }

  #find(id: string): Call | undefined {
    return this.calls.find((call) => call.id === id);
  }

  #begin(id: string): void {
    const call = new Call(id);
    this.calls = [call, ...this.calls];
    this.#say(call.watch());
  }

  #drop(call: Call): void {
    this.calls = this.calls.filter((other) => other !== call);
    this.#seen.delete(call.id);
    if (call.id === this.#asked) this.#asked = "";
    this.#say({ type: "unwatch", call_id: call.id });
    if (this.current === call) this.current = this.calls.find((other) => !other.ended) ?? null;
  }
}
