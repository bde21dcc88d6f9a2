// What the operator's page makes of the figures: whether the server is well, in one sentence, and what changed lately.

import type { Latency, Spread } from "./protocol";

/** Beyond a tenth of a second a card is seen to come after the words. */
const SLOW_US = 100_000;
const LATELY_MS = 60_000;

const AT_CAPACITY = "at capacity";

/** Whether new calls are refused for want of room. */
export function atCapacity(told: Latency): boolean {
  return told.problems.includes(AT_CAPACITY);
}

export type Level = "calm" | "tense" | "critical";

export interface Verdict {
  level: Level;
  /** The sentence at the top; what is worst comes first. */
  words: string;
}

/** What is lost, each a count since the server started that a loss makes greater. */
export const LOSSES = ["late", "shed", "too_slow", "refused"] as const;
export type Loss = (typeof LOSSES)[number];

export function lost(told: Latency, loss: Loss): number {
  return loss === "refused" ? Object.values(told.refused).reduce((sum, count) => sum + count, 0) : told[loss];
}

/** The figures as they came in, for a minute. */
export class Health {
  latest: Latency | null = null;
  /** Why the last question was not answered; empty where it was. */
  trouble = "";

  #kept: { at: number; told: Latency }[] = [];
  #answeredAt = 0;

  take(told: Latency, now: number): void {
    // A server that began anew counts from 0.
    if (this.latest && told.up_seconds < this.latest.up_seconds) this.#kept = [];
    this.latest = told;
    this.trouble = "";
    this.#answeredAt = now;
    this.#kept.push({ at: now, told });
    const kept = this.#kept;
    // One older than a minute stays: what a minute is counted from.
    while (kept.length > 2 && kept[1]!.at <= now - LATELY_MS) kept.shift();
  }

  fail(trouble: string): void {
    this.trouble = trouble;
  }

  /** How many were lost within the last minute, or since this page was opened where that is less. */
  lately(loss: Loss): number {
    const first = this.#kept[0]?.told;
    return this.latest && first ? lost(this.latest, loss) - lost(first, loss) : 0;
  }

  verdict(now: number): Verdict {
    const told = this.latest;
    if (this.trouble) {
      const since = this.#answeredAt ? ` for ${secondsWords(now - this.#answeredAt)}` : "";
      return { level: "critical", words: `The server has given no figures${since}: ${this.trouble}` };
    }
    if (!told) return { level: "calm", words: "Asking the server…" };
    const sentences: [Level, string][] = [];
    const draining = told.problems.includes("draining");
    if (draining) sentences.push(["critical", "The server is being stopped and takes nobody new."]);
    if (atCapacity(told)) sentences.push(["critical", "The server is at capacity: new calls are refused."]);
    const others = told.problems.filter((problem) => problem !== "draining" && problem !== AT_CAPACITY);
    if (others.length) sentences.push(["critical", `The server cannot record calls (${others.join("; ")}).`]);
    const timed = paced(told);
    const slow = timed !== null && timed.p99_us > SLOW_US;
    if (slow) {
      sentences.push(["critical", `Cards are slow: 1 in 100 leaves after ${timeWords(timed.p99_us)} or more.`]);
    }
    if (told.lane === "down") sentences.push(["tense", "The model lane is down; cards come from the words alone."]);
    const losses = LOSSES.filter((loss) => loss !== "refused" && this.lately(loss) > 0);
    for (const loss of losses) sentences.push(["tense", LATELY[loss](this.lately(loss))]);
    const pace = timed ? paceWords(told, timed) : "No card was timed yet";
    if (!sentences.length) return { level: "calm", words: `${pace}; ${LANE[told.lane]}.` };
    const level = sentences.some(([worst]) => worst === "critical") ? "critical" : "tense";
    return { level, words: [...sentences.map(([, words]) => words), slow ? "" : `${pace}.`].filter(Boolean).join(" ") };
  }
}

const LANE: Record<Latency["lane"], string> = {
  on: "the model lane is on",
  starting: "the model lane is starting",
  off: "the model lane is off",
  down: "the model lane is down",
};

const some = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;

const LATELY: Record<Loss, (count: number) => string> = {
  late: (count) => `${some(count, "card", "cards")} came too late to be shown in the last minute.`,
  shed: (count) => `${some(count, "utterance was", "utterances were")} not read by the model in the last minute.`,
  too_slow: (count) => `${some(count, "connection was", "connections were")} too slow and closed in the last minute.`,
  refused: (count) => `${some(count, "message was", "messages were")} refused in the last minute.`,
};

/** How long cards take: over the last minute, or since the start where that brought none; null before the first. */
export function paced(told: Latency): Spread | null {
  const total = told.stages.find((stage) => stage.stage === "total");
  if (!total) return null;
  return total.minute.count ? total.minute : total.start.count ? total.start : null;
}

function paceWords(told: Latency, timed: Spread): string {
  const lately = told.stages.some((stage) => stage.minute === timed);
  const within = `within ${timeWords(timed.p99_us)} for 99 of 100 fragments`;
  return lately ? `Cards leave ${within}` : `No card in the last minute; since the start they left ${within}`;
}

/** 640 -> 640 µs, 3200 -> 3.2 ms, 31 600 -> 32 ms, 1 500 000 -> 1.5 s */
export function timeWords(us: number): string {
  if (us < 1_000) return `${us} µs`;
  const [value, unit] = us < 999_500 ? [us / 1_000, "ms"] : [us / 1_000_000, "s"];
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)} ${unit}`;
}

/** 45 000 -> 45 s, 150 000 -> 2 min, 11 000 000 -> 3 h, 200 000 000 -> 2 days */
export function secondsWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} days`;
}
