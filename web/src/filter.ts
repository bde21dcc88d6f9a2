// Which calls of the board are shown: chosen, typed in the field, or named in the address, which a link carries.

import type { BoardRow } from "./protocol";
import { type Band, BANDS } from "./words";

export interface Filter {
  /** Parts of a queue's or an agent's name. */
  words: string;
  queue: string;
  agent: string;
  /** None: all of them. */
  bands: readonly Band[];
  /** Only calls with an alert that nobody has resolved. */
  alerts: boolean;
}

export const EVERYTHING: Filter = Object.freeze({ words: "", queue: "", agent: "", bands: [], alerts: false });

/** What the field says: words, and `queue:billing`, `agent:"desk 1"`, `band:critical,tense`, `has:alert`. */
interface Typed {
  rest: string;
  chosen: Partial<Filter>;
}

const TOKEN = /(?:(queue|agent|band|has):)?(?:"([^"]*)"?|(\S+))/gi;

/**
 * Takes what is meant as a choice out of the field's text. While somebody types, the last word may not be finished yet
 * and stays; `done` says that it is.
 */
export function typed(text: string, done: boolean): Typed {
  const chosen: Partial<Filter> = {};
  const rest: string[] = [];
  for (const token of text.matchAll(TOKEN)) {
    const [whole, name = "", quoted, plain = ""] = token;
    const value = (quoted ?? plain).trim();
    const open = !done && token.index + whole.length === text.length && !/[^:]"$/.test(whole);
    if (!name || open || !choose(chosen, name.toLowerCase(), value)) rest.push(whole);
  }
  return { rest: Object.keys(chosen).length ? rest.join(" ") : text, chosen };
}

function choose(chosen: Partial<Filter>, name: string, value: string): boolean {
  if (!value) return false;
  if (name === "queue") chosen.queue = value;
  else if (name === "agent") chosen.agent = value;
  else if (name === "band") {
    const bands = bandsOf(value);
    if (!bands.length) return false;
    chosen.bands = bands;
  } else if (/^alerts?$/i.test(value)) chosen.alerts = true;
  else return false;
  return true;
}

function bandsOf(names: string): Band[] {
  const wanted = new Set(names.toLowerCase().split(/[\s,]+/));
  return BANDS.filter((band) => wanted.has(band));
}

export function isEverything({ words, queue, agent, bands, alerts }: Filter): boolean {
  return !words.trim() && !queue && !agent && !bands.length && !alerts;
}

/** `alerting`: the calls that have an alert. */
export function wants(filter: Filter, alerting: ReadonlySet<string>): (row: BoardRow) => boolean {
  const needle = filter.words.trim().toLowerCase();
  const queue = filter.queue.toLowerCase();
  const agent = filter.agent.toLowerCase();
  return (row) =>
    (!needle || `${row.queue}\n${row.agent}`.toLowerCase().includes(needle)) &&
    (!queue || row.queue.toLowerCase() === queue) &&
    (!agent || row.agent.toLowerCase() === agent) &&
    (!filter.bands.length || filter.bands.includes(row.band)) &&
    (!filter.alerts || alerting.has(row.call_id));
}

export function filterOf(search: string): Filter {
  const said = new URLSearchParams(search);
  return {
    words: said.get("words") ?? "",
    queue: said.get("queue") ?? "",
    agent: said.get("agent") ?? "",
    bands: bandsOf(said.get("band") ?? ""),
    alerts: said.has("alerts"),
  };
}

/** The query of an address, with this filter in it and whatever else it held. */
export function searchOf(filter: Filter, before: string): string {
  const said = new URLSearchParams(before);
  const put = (name: string, value: string) => (value ? said.set(name, value) : said.delete(name));
  put("words", filter.words.trim());
  put("queue", filter.queue);
  put("agent", filter.agent);
  put("band", filter.bands.join());
  put("alerts", filter.alerts ? "yes" : "");
  const text = said.toString().replaceAll("%2C", ",").replace(/=(?=&|$)/g, "");
  return text && `?${text}`;
}
