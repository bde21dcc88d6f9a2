// What the pages say in words: codes, states and times.

import type { BoardRow, Card, CardDeeds, LaneIs, Line, Mood, Withheld } from "./protocol";
import type { Mode } from "./quiet";

export type Band = Mood["band"];
export type Party = Line["party"];

export const BANDS: readonly Band[] = ["critical", "frustrated", "tense", "calm"];

export const BAND_WORD: Record<Band, string> = {
  calm: "Calm",
  tense: "Tense",
  frustrated: "Frustrated",
  critical: "Critical",
};

export const PARTY_WORD: Record<Party, string> = {
  customer: "Customer",
  agent: "Agent",
  system: "System",
  unknown: "Speaker",
};

export const KIND_WORD: Record<Card["kind"], string> = {
  article: "Article",
  coach: "Tip",
  checklist: "Checklist",
  alert: "Alert",
};

/** Which cards come on the deck. */
export const MODE_WORD: Record<Mode, string> = {
  all: "All cards",
  critical: "Alerts only",
  off: "No cards",
};

/** Why a card was taken back; what a newer server may add is not guessed at. */
export const TAKEN_BACK: Record<string, string> = {
  revised: "The words turned out differently.",
  excluded: "Something said rules it out.",
  done: "Already done.",
  voided: "The words were withdrawn.",
  late: "It came too late.",
  superseded: "The knowledge base changed.",
  unfinished: "The sentence was never finished.",
};

export const WITHHELD_WORD: Record<Withheld["reason"], string> = {
  cooldown: "shown recently",
  once: "only once a call",
  budget: "another card came first",
  excluded: "something said rules it out",
  done: "already done by the agent",
  muted: "dismissed before",
  draft: "a draft",
  queue: "not for this queue",
  team: "not for this team",
  channel: "not for calls of this kind",
  late: "it would have come too late",
  beaten: "another article fits better",
};

const DEED_WORD: Record<string, string> = {
  opened: "opened",
  copied: "copied",
  pinned: "pinned",
  useful: "found useful",
  dismissed: "dismissed",
};

const DISMISSED_AS: Record<CardDeeds["reason"], string> = {
  "": "",
  wrong: " as wrong",
  late: " as too late",
  known: " as known already",
  busy: " as no time for it",
};

/** "By the agent: opened, dismissed as too late." */
export function deedWords({ did, reason }: CardDeeds): string {
  const words = did.map((deed) => (DEED_WORD[deed] ?? deed) + (deed === "dismissed" ? DISMISSED_AS[reason] : ""));
  return `By the agent: ${words.join(", ")}.`;
}

/** Why an alert went away without anybody's answer. */
export const ALERT_OVER: Record<string, string> = {
  calmed: ": it is over",
  ended: ": the call has ended",
  revised: ": the words were others",
  withdrawn: ": the agent took it back",
};

/** Without a model, cards come from words and the state of the call alone; people should know. */
export const LANE_WORD: Record<LaneIs["state"], string> = {
  on: "",
  starting: "meaning starts soon",
  off: "meaning is off",
  down: "meaning is off for now",
};

/** What a person can do about it, where there is something. Other codes keep the server's own sentence. */
const CODE_WORD: Record<string, string> = {
  unauthenticated: "The access key is not accepted. Please sign in again.",
  not_allowed: "This access key does not allow that. Ask whoever runs rtig for one that does.",
  bad_origin: "The server does not accept pages from this address. Ask whoever runs rtig to allow it.",
  bad_protocol: "This page and the server are of different versions. Please reload the page.",
  unknown_role: "This page and the server are of different versions. Please reload the page.",
  unknown_call: "The server does not know this call any more.",
  unknown_card: "The server does not know this card any more.",
  unknown_alert: "The server does not know this alert any more.",
  unknown_help: "The server does not know of this request for help.",
  call_ended: "The call has ended.",
  rate_limited: "Too much at once; it is sent again in a moment.",
  too_slow: "The connection was too slow to keep up",
  draining: "The server is restarting",
  at_capacity: "The server has no room for more calls",
  log_unavailable: "The server cannot record the call at the moment",
};

export function codeWords(code: string, message: string): string {
  return CODE_WORD[code] ?? (message || "Something went wrong on the server.");
}

/** The banner while the page tries again by itself. */
export function lostWords(code: string): string {
  const known = code === "too_slow" || code === "draining" || code === "log_unavailable" ? CODE_WORD[code] : "";
  return `${known || "Connection lost"}, retrying`;
}

/** 75 000 -> 1:15, 3 675 000 -> 1:01:15 */
export function clockWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Where the score is going, from the last minute or so of the line that shows it. */
export function trendWord(spark: BoardRow["spark"]): "rising" | "falling" | "steady" {
  const last = spark.at(-1) ?? 0;
  const before = spark.at(-6) ?? spark[0] ?? 0;
  return last - before > 0.05 ? "rising" : before - last > 0.05 ? "falling" : "steady";
}

/** An article whose review date has passed; dates are ISO days. */
export function reviewDue(reviewBy: string, now: Date): boolean {
  return /^\d{4}-\d\d-\d\d/.test(reviewBy) && reviewBy.slice(0, 10) < now.toISOString().slice(0, 10);
}

/** The risk of a bad end: it was fitted on other calls than this centre's, and a figure would promise more than is known. */
export function riskWord(risk: number): string {
  return risk >= 0.4 ? "likely to end badly" : risk >= 0.15 ? "may end badly" : "";
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const THIS_YEAR = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short" });
const ANY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** `at` and `now` in Unix milliseconds. */
export function whenWords(at: number, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  const time = CLOCK.format(then);
  if (then.toDateString() === today.toDateString()) return `Today ${time}`;
  if (then.toDateString() === new Date(now - DAY_MS).toDateString()) return `Yesterday ${time}`;
  const days = then.getFullYear() === today.getFullYear() ? THIS_YEAR : ANY_YEAR;
  return `${days.format(then)}, ${time}`;
}

/** "3 steps", "1 of 3 steps done". */
export function stepsWords(all: number, done: number): string {
  const words = `${all} ${all === 1 ? "step" : "steps"}`;
  return done ? `${done} of ${words} done` : words;
}
