// The access key: out of the address as soon as the page opens, then in this tab's storage only.

import type { Kept } from "./storage";

export interface Arrival {
  key: string;
  /** Whose calls to announce (agent's page), or the supervisor's own name. */
  agent: string;
  /** A call to open at once. */
  call: string;
}

export interface Place {
  hash: string;
  pathname: string;
  search: string;
}

type Replace = (address: string) => void;

const STORED = "rtig.key.";
const NAMED = "rtig.name.";

/** Reads `#key=…&agent=…&call=…`; a key is stored and taken out of the address, the rest stays, so a reload keeps it. */
export function arrive(role: string, place: Place, replace: Replace, storage: Kept): Arrival {
  const said = new URLSearchParams(place.hash.replace(/^#/, ""));
  const key = said.get("key") ?? "";
  if (said.has("key")) {
    said.delete("key");
    const rest = said.toString();
    replace(place.pathname + place.search + (rest ? `#${rest}` : ""));
  }
  if (key) keep(role, key, storage);
  const agent = said.get("agent") ?? "";
  // A supervisor opens one call after the other, and each takes the place of the fragment.
  if (agent && role === "supervisor") keepName(role, agent, storage);
  return {
    key: key || (storage.getItem(STORED + role) ?? ""),
    agent: agent || (storage.getItem(NAMED + role) ?? ""),
    call: said.get("call") ?? "",
  };
}

export function keep(role: string, key: string, storage: Kept): void {
  storage.setItem(STORED + role, key);
}

export function keepName(role: string, name: string, storage: Kept): void {
  storage.setItem(NAMED + role, name);
}

export function forget(role: string, storage: Kept): void {
  storage.removeItem(STORED + role);
  storage.removeItem(NAMED + role);
}

/** What a person pasted into the sign-in form: the key itself, or the whole printed address. */
export function pastedKey(text: string): string {
  const trimmed = text.trim();
  const hash = trimmed.indexOf("#");
  return (hash >= 0 && new URLSearchParams(trimmed.slice(hash + 1)).get("key")) || trimmed;
}
