// The supervisors' rows, hottest first, in an order that a person can read: it follows the scores, but slowly.

import type { Board, BoardRow } from "./protocol";
import type { Band } from "./words";

/** Two rows whose scores differ by less are equally hot; the order between them does not matter, so it stays. */
export const CLEARLY = 0.08;
/** For how long a row must have been clearly hotter before it passes another. */
export const FOR_A_WHILE_MS = 3_000;

interface Kept {
  row: BoardRow;
  /** Unix milliseconds of this screen when the row came. */
  at: number;
  /** Scores of the last while, oldest first; the first may be older and says what held when the while began. */
  scores: { at: number; score: number }[];
}

export class Floor {
  #kept = new Map<string, Kept>();
  /** While a board is told anew, in many frames: the rows of the one before that it has not named. */
  #unnamed = new Set<string>();
  /** All rows by heat. */
  #order: string[] = [];
  /** What the reader saw last: the order of heat, but for the rows that were kept still. */
  #shown: BoardRow[] = [];
  /** The rows that were kept still, for those that are over meanwhile. */
  #held = new Map<string, Kept>();

  take(board: Board, now: number): void {
    if (board.whole) this.#unnamed = new Set(this.#kept.keys());
    for (const id of board.gone) this.#kept.delete(id);
    for (const row of board.rows) {
      const scores = this.#kept.get(row.call_id)?.scores ?? [];
      forget(scores, now);
      scores.push({ at: now, score: row.score });
      this.#kept.set(row.call_id, { row, at: now, scores });
      this.#unnamed.delete(row.call_id);
    }
    if (board.more) return;
    for (const id of this.#unnamed) this.#kept.delete(id);
    this.#unnamed.clear();
  }

  row(id: string): BoardRow | undefined {
    return this.#kept.get(id)?.row;
  }

  get size(): number {
    return this.#kept.size;
  }

  rows(): BoardRow[] {
    return Array.from(this.#kept.values(), (kept) => kept.row);
  }

  /** How many calls are in each band. */
  counts(): Record<Band, number> {
    const counts: Record<Band, number> = { critical: 0, frustrated: 0, tense: 0, calm: 0 };
    for (const { row } of this.#kept.values()) counts[row.band] += 1;
    return counts;
  }

  /** Milliseconds since a call began: its clock as last told, running on since. */
  clock(id: string, now: number): number {
    const kept = this.#kept.get(id);
    return kept ? kept.row.clock_ms + Math.max(0, now - kept.at) : 0;
  }

  /** For how many milliseconds a customer has been frustrated or critical in a call, running on while they are. */
  red(id: string, now: number): number {
    const kept = this.#kept.get(id);
    return kept ? kept.row.red_ms + (isRed(kept.row.band) ? Math.max(0, now - kept.at) : 0) : 0;
  }

  /**
   * Rows in their order, those that `wanted` lets through. The rows `still`, under the reader's pointer and focus, keep
   * their places among them, also when they are over or not wanted any more: what a hand is on its way to does not
   * become another call.
   */
  ordered(now: number, wanted: (row: BoardRow) => boolean = () => true, still: readonly string[] = []): BoardRow[] {
    const held = new Map<string, Kept>();
    const places: [place: number, row: BoardRow][] = [];
    for (const id of new Set(still)) {
      const place = this.#shown.findIndex((row) => row.call_id === id);
      const kept = this.#kept.get(id) ?? this.#held.get(id);
      if (place < 0 || !kept) continue;
      held.set(id, kept);
      places.push([place, kept.row]);
    }
    this.#held = held;
    this.#rank(now);
    const rows: BoardRow[] = [];
    for (const id of this.#order) {
      const { row } = this.#kept.get(id)!;
      if (!held.has(id) && wanted(row)) rows.push(row);
    }
    places.sort(([a], [b]) => a - b);
    // A list that has become too short for a place is filled with what has left it.
    const last = places.at(-1);
    const short = last ? last[0] + 1 - places.length - rows.length : 0;
    if (short > 0) rows.push(...this.#left(rows, held, short));
    for (const [place, row] of places) rows.splice(place, 0, row);
    this.#shown = rows;
    return rows;
  }

  /** Rows that the reader saw last and that are neither among `rows` nor `held`. */
  #left(rows: BoardRow[], held: ReadonlyMap<string, Kept>, most: number): BoardRow[] {
    const staying = new Set([...rows.map((row) => row.call_id), ...held.keys()]);
    return this.#shown.filter((row) => !staying.has(row.call_id)).slice(0, most);
  }

  /** Each row in its old order goes to the place above the highest row that it has clearly been hotter than. */
  #rank(now: number): void {
    const order: string[] = [];
    /** At each place, the least of the `high`s from the top down to it: it never grows, so it can be searched in. */
    const least: number[] = [];
    const known = new Set<string>();
    for (const id of this.#order) {
      const kept = this.#kept.get(id);
      if (!kept) continue;
      known.add(id);
      const { low, high } = span(kept, now);
      const at = firstBelow(least, low - CLEARLY);
      order.splice(at, 0, id);
      least.splice(at, 0, Math.min(high, least[at - 1] ?? 1));
      for (let i = at + 1; i < least.length && least[i]! > high; i += 1) least[i] = high;
    }
    // A new row has no place to keep: it goes where its score belongs.
    const score = (id: string) => this.#kept.get(id)!.row.score;
    const fresh = [...this.#kept.keys()].filter((id) => !known.has(id)).sort((a, b) => score(b) - score(a));
    if (!fresh.length) {
      this.#order = order;
      return;
    }
    const merged: string[] = [];
    for (const id of order) {
      while (fresh.length && score(fresh[0]!) > score(id)) merged.push(fresh.shift()!);
      merged.push(id);
    }
    this.#order = [...merged, ...fresh];
  }
}

export function isRed(band: Band): boolean {
  return band === "frustrated" || band === "critical";
}

/** The first place of a falling row of numbers that is below a number; its length where none is. */
function firstBelow(falling: readonly number[], than: number): number {
  let [low, high] = [0, falling.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (falling[middle]! < than) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Leaves those of the last while, and the one that held when it began. */
function forget(scores: Kept["scores"], now: number): void {
  const since = now - FOR_A_WHILE_MS;
  let over = 0;
  while (over + 1 < scores.length && scores[over + 1]!.at <= since) over += 1;
  if (over) scores.splice(0, over);
}

/** The lowest and highest score that held at any moment of the last while. */
function span(kept: Kept, now: number): { low: number; high: number } {
  forget(kept.scores, now);
  let low = 1;
  let high = 0;
  for (const { score } of kept.scores) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return { low, high };
}
