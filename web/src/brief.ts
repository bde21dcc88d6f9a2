// The brief as plain text, for a note in another system; and where the words of a line stand in the transcript.

import type { Brief, BriefArticle, BriefLine, Handover, Quote } from "./protocol";
import { BAND_WORD, clockWords, whenWords } from "./words";

export type Part = "who" | "asked" | "tried" | "promised" | "open";

export const PARTS: readonly Part[] = ["who", "asked", "tried", "promised", "open"];

export const PART_WORD: Record<Part, string> = {
  who: "Who",
  asked: "Asked",
  tried: "Tried and told",
  promised: "Promised",
  open: "Still open",
};

const REASON_WORD: Record<Brief["reason"], string> = {
  "": "",
  completed: "Call ended",
  transferred: "Call transferred",
  abandoned: "Call lost",
};

/** How far the call had come when this was made. */
export function asOf(brief: Brief): string {
  const time = clockWords(brief.at_ms);
  return brief.reason ? `${REASON_WORD[brief.reason]} after ${time}` : `As of ${time}`;
}

export function moodWords(brief: Brief): string {
  const { band, highest, highest_ms } = brief.mood;
  return `${BAND_WORD[band]}${highest === band ? "" : `, ${highest} at ${clockWords(highest_ms)}`}`;
}

/** What a line is and who said it, where its part does not tell. */
export function ledBy(part: Part | "mood", line: BriefLine): string {
  const says = part === "tried" && line.text && line.words[0]?.party === "customer" ? "customer" : "";
  return [line.what, says].filter(Boolean).join(", ");
}

export function didWords(article: BriefArticle): string {
  return article.did.join(", ") || "shown";
}

/** The words of a line, of each segment from the first to the last of them. */
export function spots(quotes: readonly Quote[]): Quote[] {
  const bySegment = new Map<string, Quote>();
  for (const quote of quotes) {
    const held = bySegment.get(quote.segment_id);
    const whole = held
      ? { ...held, start: Math.min(held.start, quote.start), end: Math.max(held.end, quote.end), text: "" }
      : quote;
    bySegment.set(quote.segment_id, whole);
  }
  return [...bySegment.values()];
}

/** What was left, by whom and when. */
export function handoverHead({ by, sent_at }: Handover, now: number): string {
  return `Handed over${by ? ` by ${by}` : ""} · ${whenWords(sent_at, now)}`;
}

/** The longest text that the server takes; the end of a brief is what is least missed. */
export const MOST_CHARACTERS = 4_000;

export function briefText(brief: Brief): string {
  const whose = [brief.customer, brief.agent, brief.queue, brief.channel].filter(Boolean).join(", ");
  const text = [`${brief.call_id}: ${whose}`, asOf(brief)];
  const add = (title: string, lines: readonly string[]) => {
    if (lines.length) text.push("", title, ...lines);
  };
  for (const part of PARTS) {
    add(
      PART_WORD[part],
      brief[part].map((line) => told(ledBy(part, line), line)),
    );
  }
  text.push("", `Mood: ${moodWords(brief)}`, ...brief.mood.turns.map((line) => told(line.what, line)));
  add(
    "Articles",
    brief.articles.map((article) => `${clockWords(article.at_ms)} ${article.title} (${didWords(article)})`),
  );
  return `${text.join("\n")}\n`;
}

function told(led: string, line: BriefLine): string {
  return `${clockWords(line.at_ms)} ${[led, line.text].filter(Boolean).join(": ")}`;
}
