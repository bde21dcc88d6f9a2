// Words that somebody said, shown as a control that leads to them in the transcript.

import { html, type TemplateResult } from "lit";
import type { Quote } from "../protocol";

/** Bubbles up to the page, which has the transcript show the words. */
export class Seek extends Event {
  readonly quotes: readonly Quote[];

  constructor(...quotes: readonly Quote[]) {
    super("rtig-seek", { bubbles: true, composed: true });
    this.quotes = quotes;
  }
}

export function quoteButton(quote: Quote): TemplateResult {
  const seek = (event: Event) => event.currentTarget?.dispatchEvent(new Seek(quote));
  return html`<button type="button" class="quote" data-testid="quote" title="Show in the transcript" @click=${seek}>
    “<bdi>${quote.text.trim()}</bdi>”
  </button>`;
}

const SAID_BY: Record<Quote["party"], string> = {
  customer: "the customer said",
  agent: "you said",
  system: "the system said",
  unknown: "somebody said",
};

/** "the customer said “a” and “b”", the two longest of them; `reader` decides whether the agent is "you". */
export function said(quotes: readonly Quote[], reader: "agent" | "supervisor"): TemplateResult {
  const longest = new Set(quotes.toSorted((a, b) => b.text.length - a.text.length).slice(0, 2));
  const told = quotes.filter((quote) => longest.has(quote));
  const party = told[0]?.party ?? "unknown";
  const who = party === "agent" && reader === "supervisor" ? "the agent said" : SAID_BY[party];
  const more = quotes.length - told.length;
  return html`${who}
  ${told.map((quote, i) => html`${i ? " and " : ""}${quoteButton(quote)}`)}${more > 0 ? `, and ${more} more` : ""}`;
}
