// What this agent did with each card, on this screen: the protocol reports it, but never tells it back.

import type { Answer } from "./protocol";

export interface Mark {
  pinned?: boolean;
  useful?: boolean;
  /** The reason; a dismissed card has one. */
  dismissed?: Exclude<Answer["reason"], undefined>;
  opened?: boolean;
  copied?: boolean;
}

type Storage = Pick<globalThis.Storage, "getItem" | "setItem">;

const STORED = "rtig.marks";
const MOST_KEPT = 300;
const NONE: Mark = Object.freeze({});

/** Kept in the tab's storage as ids only, so that a reload does not bring dismissed cards back. */
export class Marks {
  #marks: Map<string, Mark>;
  #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
    this.#marks = new Map(read(storage.getItem(STORED)));
  }

  of(callId: string, cardId: string): Mark {
    return this.#marks.get(`${callId} ${cardId}`) ?? NONE;
  }

  set(callId: string, cardId: string, change: Mark): void {
    const key = `${callId} ${cardId}`;
    const mark = { ...this.#marks.get(key), ...change };
    this.#marks.delete(key);
    this.#marks.set(key, mark);
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size <= MOST_KEPT) break;
      this.#marks.delete(oldest);
    }
    this.#storage.setItem(STORED, JSON.stringify([...this.#marks]));
  }
}

function read(stored: string | null): [string, Mark][] {
  try {
    const marks: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(marks) ? (marks as [string, Mark][]) : [];
  } catch {
    return [];
  }
}
