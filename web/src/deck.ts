// Which cards are on screen and in which place: newest on top, few, and nothing moves under the reader's hand.

export type Gone = "" | "retracted" | "expired" | "dismissed";

export interface Entry {
  id: string;
  /** Entries are laid on the deck in the order of this. */
  at: number;
  /** Stays, and does not count against the few that are visible. */
  pinned: boolean;
  /** Why it should leave; empty while it stands. */
  gone: Gone;
}

export interface Slot {
  id: string;
  gone: Gone;
}

export const VISIBLE = 3;
/** Long enough to finish a click, short enough that no card comes late because a mouse was left lying there. */
export const LONGEST_HOLD_MS = 4_000;
/** How long an entry stays where it stood, saying what became of it. */
const LINGER_MS: Record<Gone, number> = { "": 0, retracted: 5_000, expired: 0, dismissed: 1_500 };

interface Held extends Slot {
  at: number;
  pinned: boolean;
  goneAt: number;
}

export class Deck {
  /** Newest first. */
  slots: readonly Slot[] = [];
  /** Ids of what has left the deck, latest first. */
  earlier: readonly string[] = [];
  /** Ids of what is ready and not laid down yet because the reader's hand is on the deck, newest first. */
  waiting: readonly string[] = [];

  #slots: Held[] = [];
  #left = new Set<string>();
  #heldSince: number | null = null;

  /** `held`: the reader is just now pointing or typing among the cards. `now` in milliseconds, any steady clock. */
  arrange(entries: Iterable<Entry>, now: number, held: boolean): void {
    const byId = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#slots = this.#slots.filter((slot) => byId.has(slot.id));
    for (const id of this.#left) if (!byId.has(id)) this.#left.delete(id);
    for (const slot of this.#slots) {
      const entry = byId.get(slot.id)!;
      if (entry.gone && !slot.gone) slot.goneAt = now;
      slot.gone = entry.gone;
      slot.pinned = entry.pinned;
    }

    const lying = new Set(this.#slots.map((slot) => slot.id));
    const arriving: Entry[] = [];
    for (const entry of byId.values()) {
      if (lying.has(entry.id)) continue;
      if (!entry.gone && (entry.pinned || !this.#left.has(entry.id))) arriving.push(entry);
      // What was taken back before it was ever on this screen is no news; the rest can still be looked up.
      else if (entry.gone !== "retracted") this.#left.add(entry.id);
    }
    arriving.sort((a, b) => a.at - b.at);
    const leaving = this.#slots.some((slot) => this.#over(slot, now));

    if (held && (arriving.length || leaving)) {
      this.#heldSince ??= now;
      if (now - this.#heldSince < LONGEST_HOLD_MS) {
        this.#publish(arriving.map((entry) => entry.id).reverse());
        return;
      }
    }
    this.#heldSince = null;

    for (const slot of this.#slots) if (this.#over(slot, now)) this.#leave(slot.id);
    this.#slots = this.#slots.filter((slot) => !this.#over(slot, now));
    for (const entry of arriving) {
      this.#left.delete(entry.id);
      this.#slots.unshift({ id: entry.id, gone: "", at: entry.at, pinned: entry.pinned, goneAt: 0 });
    }
    let room = VISIBLE;
    const pushedOut: string[] = [];
    this.#slots = this.#slots.filter((slot) => {
      if (slot.pinned || slot.gone || room-- > 0) return true;
      pushedOut.push(slot.id);
      return false;
    });
    for (const id of pushedOut.reverse()) this.#leave(id);
    this.#publish([]);
  }

  #over(slot: Held, now: number): boolean {
    return slot.gone !== "" && now - slot.goneAt >= LINGER_MS[slot.gone];
  }

  #leave(id: string): void {
    this.#left.delete(id);
    this.#left.add(id);
  }

  #publish(waiting: string[]): void {
    this.slots = this.#slots.map(({ id, gone }) => ({ id, gone }));
    this.earlier = [...this.#left].reverse();
    this.waiting = waiting;
  }
}

/** Reads out at most one title in five seconds: the newest wins, because an old one is no longer what matters. */
export class Announcer {
  text = "";
  #next = "";
  #lastAt = Number.NEGATIVE_INFINITY;

  add(title: string): void {
    this.#next = title;
  }

  /** True when `text` is to be put into the live region now. */
  tick(now: number): boolean {
    if (!this.#next || now - this.#lastAt < ANNOUNCE_EVERY_MS) return false;
    this.text = this.#next;
    this.#next = "";
    this.#lastAt = now;
    return true;
  }
}

export const ANNOUNCE_EVERY_MS = 5_000;
