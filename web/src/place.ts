// Where an author is on the page: the view, and how a table is sorted and filtered. All of it stands in the address,
// so that a reload, a bookmark and the back button keep it.

export const VIEWS = ["state", "try", "outcomes", "backtest", "gaps"] as const;
export type View = (typeof VIEWS)[number];

export interface Place {
  view: View;
  /** Of the table: the column, `-` before it for the largest first. */
  sort: string;
  kind: string;
  find: string;
  /** Only what never came. */
  never: boolean;
}

const START: Place = { view: "state", sort: "-shown", kind: "", find: "", never: false };

export function placeIn(hash: string): Place {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const view = VIEWS.find((name) => name === said.get("view")) ?? START.view;
  return {
    view,
    sort: said.get("sort") ?? START.sort,
    kind: said.get("kind") ?? "",
    find: said.get("find") ?? "",
    never: said.has("never"),
  };
}

/** The fragment of a place; what is as at the start is left out. */
export function hashOf(place: Place): string {
  const said = new URLSearchParams({ view: place.view });
  if (place.sort !== START.sort) said.set("sort", place.sort);
  if (place.kind) said.set("kind", place.kind);
  if (place.find) said.set("find", place.find);
  if (place.never) said.set("never", "1");
  return `#${said}`;
}
