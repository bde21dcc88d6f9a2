// The supervisors' rows, hottest first, in an order that a person can read: it follows the scores, but slowly.

import type { Board, BoardRow } from "./protocol";

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
  /** All rows by heat. */
  #order: string[] = [];
  /** What the reader saw last: the order of heat, but for the row that was kept still. */
  #shown: string[] = [];

  take(board: Board, now: number): void {
    if (board.whole) {
      const named = new Set(board.rows.map((row) => row.call_id));
      for (const id of this.#kept.keys()) if (!named.has(id)) this.#kept.delete(id);
    }
    for (const id of board.gone) this.#kept.delete(id);
    for (const row of board.rows) {
      const scores = this.#kept.get(row.call_id)?.scores ?? [];
      scores.push({ at: now, score: row.score });
      this.#kept.set(row.call_id, { row, at: now, scores });
    }
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

  /** Milliseconds since a call began: its clock as last told, running on since. */
  clock(id: string, now: number): number {
    const kept = this.#kept.get(id);
    return kept ? kept.row.clock_ms + Math.max(0, now - kept.at) : 0;
  }

  /**
   * Rows in their order, those that `wanted` lets through. The row `still`, under the reader's pointer or focus, keeps
   * its place among them.
   */
  ordered(now: number, wanted: (row: BoardRow) => boolean = () => true, still = ""): BoardRow[] {
    const place = this.#shown.indexOf(still);
    this.#rank(now);
    const rows: BoardRow[] = [];
    for (const id of this.#order) {
      const kept = this.#kept.get(id);
      if (kept && wanted(kept.row) && (place < 0 || id !== still)) rows.push(kept.row);
    }
    const stillRow = this.#kept.get(still)?.row;
    if (place >= 0 && stillRow && wanted(stillRow)) rows.splice(place, 0, stillRow);
    this.#shown = rows.map((row) => row.call_id);
    return rows;
  }

  /** Each row in its old order goes to the place above the highest row that it has clearly been hotter than. */
  #rank(now: number): void {
    const spans = new Map<string, { low: number; high: number }>();
    for (const [id, kept] of this.#kept) spans.set(id, span(kept, now));
    const old = this.#order.filter((id) => this.#kept.has(id));
    const known = new Set(old);
    const order: string[] = [];
    for (const id of old) {
      const { low } = spans.get(id)!;
      const at = order.findIndex((above) => low - spans.get(above)!.high > CLEARLY);
      if (at < 0) order.push(id);
      else order.splice(at, 0, id);
    }
    // A new row has no place to keep: it goes where its score belongs.
    const score = (id: string) => this.#kept.get(id)!.row.score;
    for (const id of [...this.#kept.keys()].filter((id) => !known.has(id)).sort((a, b) => score(b) - score(a))) {
      const at = order.findIndex((other) => score(other) < score(id));
      order.splice(at < 0 ? order.length : at, 0, id);
    }
    this.#order = order;
  }
}

/** The lowest and highest score that held at any moment of the last while. */
function span(kept: Kept, now: number): { low: number; high: number } {
  const since = now - FOR_A_WHILE_MS;
  while (kept.scores.length > 1 && kept.scores[1]!.at <= since) kept.scores.shift();
  let low = 1;
  let high = 0;
  for (const { score } of kept.scores) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  return { low, high };
}
