// The rows of the authors' table: each rule with how it did, sorted and filtered as the address says.

import type { RuleOutcome } from "./protocol";
import type { Place } from "./place";

export const COLUMNS = ["title", "shown", "useful", "opened", "copied", "dismissed", "late", "withheld"] as const;
export type Column = (typeof COLUMNS)[number];

/** What a row has in a column, as it is sorted by. */
export function valueOf(row: RuleOutcome, column: Column): number | string {
  switch (column) {
    case "title":
      return row.title.toLowerCase();
    case "dismissed":
    case "withheld":
      return sum(row[column]);
    default:
      return row[column];
  }
}

export function sortOf(sort: string): { column: Column; down: boolean } {
  const down = sort.startsWith("-");
  const column = COLUMNS.find((name) => name === sort.replace(/^-/, ""));
  return column ? { column, down } : { column: "shown", down: true };
}

/** The sort after a click on a column: numbers begin with the largest, titles with the first. */
export function sortedBy(sort: string, column: Column): string {
  const now = sortOf(sort);
  const down = now.column === column ? !now.down : column !== "title";
  return down ? `-${column}` : column;
}

export function rowsOf(rules: readonly RuleOutcome[], place: Pick<Place, "sort" | "kind" | "find" | "never">): RuleOutcome[] {
  const { column, down } = sortOf(place.sort);
  const needle = place.find.trim().toLowerCase();
  const wanted = (row: RuleOutcome) =>
    (!place.kind || row.kind === place.kind) &&
    (!place.never || row.shown === 0) &&
    (!needle || `${row.title}\n${row.rule}`.toLowerCase().includes(needle));
  const order = (a: RuleOutcome, b: RuleOutcome) => {
    const [x, y] = [valueOf(a, column), valueOf(b, column)];
    const first = x < y ? -1 : x > y ? 1 : 0;
    return (down ? -first : first) || (a.title < b.title ? -1 : a.title > b.title ? 1 : 0);
  };
  return rules.filter(wanted).toSorted(order);
}

export function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, one) => all + one, 0);
}

/** Reasons with their counts, the commonest first. */
export function reasonsOf(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
}
