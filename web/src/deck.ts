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
  /** Held back by the reader's own setting: it stands under "Earlier" until that lets it through. */
  hushed?: boolean;
}

export interface Slot {
  id: string;
  gone: Gone;
}

export const VISIBLE = 3;
/** Long enough to finish a click, short enough that no card comes late because a mouse was left lying there. */
export const LONGEST_HOLD_MS = 4_000;
/** Nobody sees a card and presses a key within this time: the stroke was meant for what lay there before. */
export const SETTLE_MS = 400;
/** How long an entry stays where it stood, saying what became of it. */
const LINGER_MS: Record<Gone, number> = { "": 0, retracted: 5_000, expired: 0, dismissed: 1_500 };

interface Held extends Slot {
  at: number;
  pinned: boolean;
  hushed: boolean;
  laidAt: number;
  goneAt: number;
}

export class Deck {
  /** Newest first. */
  slots: readonly Slot[] = [];
  /** Ids of what has left the deck, latest first. */
  earlier: readonly string[] = [];
  /** Ids of what is ready and not laid down yet because the reader's hand is on the deck, newest first. */
  waiting: readonly string[] = [];
  /** How many stand under "Earlier" because the reader's setting holds them back. */
  hushed = 0;

  #slots: Held[] = [];
  /** Those of `#left` that the reader's setting holds back. */
  #hushed = new Set<string>();
  #left = new Set<string>();
  #heldSince: number | null = null;

  /** `held`: the reader is just now pointing or typing among the cards. `now` in milliseconds, any steady clock. */
  arrange(entries: Iterable<Entry>, now: number, held: boolean): void {
    const byId = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#slots = this.#slots.filter((slot) => byId.has(slot.id));
    for (const id of this.#left) {
      const entry = byId.get(id);
      if (!entry) this.#left.delete(id);
      if (!entry || (entry.gone && !(entry.hushed && entry.gone === "expired"))) this.#hushed.delete(id);
    }
    for (const slot of this.#slots) {
      const entry = byId.get(slot.id)!;
      if (entry.gone && !slot.gone) slot.goneAt = now;
      slot.gone = entry.gone;
      slot.pinned = entry.pinned;
      slot.hushed = Boolean(entry.hushed);
    }

    const lying = new Set(this.#slots.map((slot) => slot.id));
    const arriving: Entry[] = [];
    for (const entry of byId.values()) {
      if (lying.has(entry.id)) continue;
      if (entry.hushed && !entry.gone) {
        // Nor does anything move under "Earlier" while the hand is there; there is no hurry.
        if (!held) this.#hush(entry.id);
      } else if (!entry.gone && (entry.pinned || this.#hushed.has(entry.id) || !this.#left.has(entry.id))) arriving.push(entry);
      // What was taken back before it was ever on this screen is no news; the rest can still be looked up.
      else if (entry.gone !== "retracted") this.#left.add(entry.id);
    }
    arriving.sort((a, b) => a.at - b.at);
    const leaving = this.#slots.some((slot) => slot.hushed || this.#over(slot, now));

    if (held && (arriving.length || leaving)) {
      this.#heldSince ??= now;
      if (now - this.#heldSince < LONGEST_HOLD_MS) {
        this.#publish(arriving.map((entry) => entry.id).reverse());
        return;
      }
    }
    this.#heldSince = null;

    for (const slot of this.#slots.toReversed()) {
      if (this.#over(slot, now) || (slot.hushed && slot.gone)) this.#leave(slot.id);
      else if (slot.hushed) this.#hush(slot.id);
    }
    this.#slots = this.#slots.filter((slot) => !this.#left.has(slot.id));
    for (const { id, at, pinned } of arriving) {
      this.#left.delete(id);
      this.#hushed.delete(id);
      this.#slots.unshift({ id, gone: "", at, pinned, hushed: false, laidAt: now, goneAt: 0 });
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

  /** The topmost of such cards that the reader can mean by a stroke at `now`; null while that is not clear. */
  meant(now: number, such: (id: string) => boolean): string | null {
    for (const slot of this.#slots) {
      if (!such(slot.id)) continue;
      if (slot.gone && now - slot.goneAt < SETTLE_MS) return null;
      if (!slot.gone && now - slot.laidAt >= SETTLE_MS) return slot.id;
    }
    return null;
  }

  #over(slot: Held, now: number): boolean {
    return slot.gone !== "" && now - slot.goneAt >= LINGER_MS[slot.gone];
  }

  #leave(id: string): void {
    this.#left.delete(id);
    this.#left.add(id);
  }

  /** What was held back does not come back by itself once it has had its place on the deck. */
  #hush(id: string): void {
    if (!this.#left.has(id)) this.#hushed.add(id);
    this.#left.add(id);
  }

  #publish(waiting: string[]): void {
    this.slots = this.#slots.map(({ id, gone }) => ({ id, gone }));
    this.earlier = [...this.#left].reverse();
    this.waiting = waiting;
    this.hushed = this.#hushed.size;
  }
}

interface News {
  title: string;
  urgent: boolean;
  stands: () => boolean;
}

/**
 * Reads out at most one title in five seconds. The newest wins, because an old one is no longer what matters, except
 * that what is urgent gives way only to its like; and what no longer stands when its turn comes is not read out.
 */
export class Announcer {
  text = "";
  #next: News | null = null;
  #lastAt = Number.NEGATIVE_INFINITY;

  add(title: string, urgent = false, stands: () => boolean = () => true): void {
    if (urgent || !this.#next?.urgent || !this.#next.stands()) this.#next = { title, urgent, stands };
  }

  /** True when `text` is to be put into the live region now. */
  tick(now: number): boolean {
    if (now - this.#lastAt < ANNOUNCE_EVERY_MS) return false;
    const before = this.text;
    if (!this.#next?.stands()) this.#next = null;
    // Words that stand in the region already would not be heard: it is emptied before it says the same again.
    this.text = this.#next && this.#next.title !== before ? this.#next.title : "";
    if (this.text) {
      this.#next = null;
      this.#lastAt = now;
    }
    return this.text !== before;
  }
}

export const ANNOUNCE_EVERY_MS = 5_000;
