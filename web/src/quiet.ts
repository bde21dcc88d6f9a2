// How much comes through: the reader's own setting, on this screen only. What is held back stands under "Earlier".

import type { Card } from "./protocol";
import type { Kept } from "./storage";

export type Mode = "all" | "critical" | "off";

export const MODES: readonly Mode[] = ["all", "critical", "off"];

export function nextMode(mode: Mode): Mode {
  return MODES[(MODES.indexOf(mode) + 1) % MODES.length]!;
}

/** Whether a card comes on the deck. What compliance demands, and what was pinned, is wanted short of none at all. */
export function comesThrough(mode: Mode, card: Pick<Card, "kind" | "exempt">, pinned: boolean): boolean {
  return mode === "all" || (mode === "critical" && (card.kind === "alert" || card.exempt || pinned));
}

const STORED = "rtig.quiet";

export function keptMode(storage: Kept): Mode {
  const kept = storage.getItem(STORED);
  return MODES.find((mode) => mode === kept) ?? "all";
}

export function keepMode(mode: Mode, storage: Kept): void {
  storage.setItem(STORED, mode);
}
