// The agent's request for help, as the sidebar says it: what the server has told, and what is still on its way there.

import type { AskHelp, Help, TakeBackHelp } from "./protocol";
import { clockWords } from "./words";

export type HelpDeed = AskHelp | TakeBackHelp;

/** How long it is said that somebody has dealt with it. */
const OVER_SHOWN_MS = 20_000;

export interface HelpState {
  /** `asking`: on its way to the server. `over`: dealt with, a moment ago. */
  phase: "none" | "asking" | "asked" | "coming" | "over";
  /** The request that can be taken back. */
  id: string;
  /** What was said about it. */
  text: string;
  words: string;
  /** Since when it has been asked for, where that matters. */
  ago: string;
}

const NONE: HelpState = { phase: "none", id: "", text: "", words: "", ago: "" };

/** `unsent`: what was done last that the server has not taken. `clock`: milliseconds on the call's clock. */
export function helpState(help: Help | null, unsent: HelpDeed | undefined, clock: number): HelpState {
  if (unsent?.type === "take_back_help") return NONE;
  const text = unsent?.text || (help?.text ?? "");
  if (help && help.state !== "resolved") {
    const who = help.by || "A supervisor";
    return help.state === "open"
      ? { phase: "asked", id: help.id, text, words: "Asked for help", ago: clockWords(clock - help.asked_ms) }
      : { phase: "coming", id: help.id, text, words: `${who} is on it`, ago: "" };
  }
  if (unsent) {
    return { phase: "asking", id: unsent.help_id, text: unsent.text ?? "", words: "Asking for help …", ago: "" };
  }
  if (help?.reason === "handled" && clock - help.at_ms < OVER_SHOWN_MS) {
    return { ...NONE, phase: "over", words: `${help.by || "A supervisor"} has dealt with it` };
  }
  return NONE;
}
