// The keys of the sidebar: which stroke means which act. Single keys, so they can be switched off (WCAG 2.1.4).

import type { Kept } from "./storage";

export type Act =
  | "copy"
  | "useful"
  | "dismiss"
  | "pin"
  | "open"
  | "search"
  | "brief"
  | "transcript"
  | "quiet"
  | "list"
  | "back"
  | `reason ${1 | 2 | 3 | 4}`;

export interface Shortcut {
  act: Act;
  /** As `KeyboardEvent.key` tells it, and as `aria-keyshortcuts` wants it. */
  key: string;
  /** What it does, as the list says it; the others are told by the one before them. */
  words: string;
  of: "card" | "page";
}

export const SHORTCUTS: readonly Shortcut[] = [
  { act: "copy", key: "c", words: "Copy the sentence", of: "card" },
  { act: "useful", key: "u", words: "Useful", of: "card" },
  { act: "dismiss", key: "d", words: "Dismiss, then 1 to 4 for the reason", of: "card" },
  { act: "reason 1", key: "1", words: "", of: "card" },
  { act: "reason 2", key: "2", words: "", of: "card" },
  { act: "reason 3", key: "3", words: "", of: "card" },
  { act: "reason 4", key: "4", words: "", of: "card" },
  { act: "pin", key: "p", words: "Pin, or let go", of: "card" },
  { act: "open", key: "o", words: "Open or close the article", of: "card" },
  { act: "search", key: "/", words: "Search articles", of: "page" },
  { act: "brief", key: "b", words: "Brief", of: "page" },
  { act: "transcript", key: "t", words: "Transcript", of: "page" },
  { act: "quiet", key: "m", words: "All cards, alerts only, or none", of: "page" },
  { act: "list", key: "?", words: "This list", of: "page" },
  { act: "back", key: "Escape", words: "Go back", of: "page" },
];

/** What of a `KeyboardEvent` decides. */
export type Stroke = Pick<
  KeyboardEvent,
  "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey" | "repeat" | "isComposing" | "defaultPrevented"
>;

/** The act that a stroke means, or null. Esc is no character: it also goes back from a field, and where keys are off. */
export function actOf(stroke: Stroke, where: { typing: boolean; on: boolean }): Act | null {
  if (stroke.defaultPrevented || stroke.isComposing || stroke.repeat) return null;
  if (stroke.altKey || stroke.ctrlKey || stroke.metaKey) return null;
  const key = written(stroke);
  // Many keyboards need Shift for a sign; with a letter or a figure it is a modifier.
  if (stroke.shiftKey && /^(\w|Escape)$/.test(key)) return null;
  const act = SHORTCUTS.find((shortcut) => shortcut.key === key)?.act ?? null;
  return act === "back" || (where.on && !where.typing) ? act : null;
}

/** The key on the keyboard's own terms: whatever Caps Lock says; in a script without these letters by its place. */
function written({ key, code }: Stroke): string {
  const place = /^Key([A-Z])$/.exec(code)?.[1];
  const foreign = key.length === 1 && key.charCodeAt(0) > 0x7f;
  return (foreign && place ? place : key).replace(/^[A-Z]$/, (letter) => letter.toLowerCase());
}

/** Whether a stroke there writes something; `target` is the innermost element, inside whatever shadows. */
export function typing(target: EventTarget | undefined): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !/^(button|checkbox|color|file|image|radio|range|reset|submit)$/.test(target.type);
  return target.isContentEditable || target.matches("textarea, select, [role=textbox], [role=searchbox], [role=combobox]");
}

/** For `aria-keyshortcuts`. */
export function keyOf(act: Act): string {
  return SHORTCUTS.find((shortcut) => shortcut.act === act)?.key ?? "";
}

const STORED = "rtig.shortcuts";

export function shortcutsOn(storage: Kept): boolean {
  return storage.getItem(STORED) !== "off";
}

export function keepShortcuts(on: boolean, storage: Kept): void {
  storage.setItem(STORED, on ? "on" : "off");
}
