// What a wallboard shows of a floor: no more than is read in passing. Knows nothing of sockets or components.

import type { Kept } from "./alerts";
import { isRed } from "./floor";
import type { BoardRow } from "./protocol";

/** More than this nobody reads from across a room. */
export const HOTTEST = 6;
export const ALERTS = 4;

/** The calls that are in trouble, in the order of the rows; where none is, those that are tense. */
export function hottest(rows: readonly BoardRow[], most = HOTTEST): BoardRow[] {
  const red = rows.filter((row) => isRed(row.band));
  const shown = red.length ? red : rows.filter((row) => row.band === "tense");
  return shown.slice(0, most);
}

/** Alerts that somebody has to see to: open ones first, as they are listed; and how many more there are. */
export function pressing(listed: readonly Kept[], most = ALERTS): { shown: Kept[]; more: number } {
  const pressing = listed.filter(({ alert }) => alert.state !== "resolved");
  return { shown: pressing.slice(0, most), more: Math.max(0, pressing.length - most) };
}

/** `/board?wall`, or `/board#wall`. */
export function isWall({ search, hash }: { search: string; hash: string }): boolean {
  return new URLSearchParams(search).has("wall") || new URLSearchParams(hash.slice(1)).has("wall");
}
