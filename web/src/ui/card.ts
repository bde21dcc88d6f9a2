// One card: what to say, why it came, what lies behind it, and what the agent can do with it.

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import type { Gone } from "../deck";
import type { Mark } from "../marks";
import type { Answer, Card, Checklist } from "../protocol";
import { type Act, keyOf } from "../shortcuts";
import { clockWords, KIND_WORD, reviewDue, stepsWords, TAKEN_BACK } from "../words";
import { copyText } from "./copying";
import { said } from "./quotes";
import { stepItem, stepStyles } from "./steps";
import { base } from "./styles";

/** What was done with the card; the page tells the server. */
export class Answered extends Event {
  readonly card: Card;
  readonly action: Answer["action"];
  readonly reason: Exclude<Answer["reason"], undefined>;

  constructor(card: Card, action: Answer["action"], reason: Answered["reason"] = "") {
    super("rtig-answered", { bubbles: true, composed: true });
    this.card = card;
    this.action = action;
    this.reason = reason;
  }
}

const DISMISSALS: [reason: Answered["reason"], label: string][] = [
  ["wrong", "Wrong"],
  ["late", "Too late"],
  ["known", "Known"],
  ["busy", "Not now"],
];

/** Sentences of more characters are set smaller, so that the buttons below them stay in sight. */
const LONG = 110;

@customElement("rtig-card")
export class CardView extends LitElement {
  @property({ attribute: false }) card!: Card;
  @property({ attribute: false }) mark: Mark = {};
  /** Its steps, where words can tick them. */
  @property({ attribute: false }) ticks: Checklist | undefined;
  @property({ attribute: false }) gone: Gone = "";
  /** `top` is shown whole; `more` and `earlier` unfold; `read` is a supervisor's, without the agent's controls. */
  @property({ reflect: true }) place: "top" | "more" | "earlier" | "read" = "top";
  /** Whether single keys are heard, and whether they mean this card. */
  @property({ attribute: false }) keys = false;
  @property({ attribute: false }) meant = false;
  /** Asks why it is being dismissed. */
  @state() asking = false;
  @state() private unfolded = false;
  @state() private copied = false;
  @query("article") private article!: HTMLElement;
  @query(".reasons button") private firstReason!: HTMLElement | null;
  @query(".dismiss") private dismissButton!: HTMLElement | null;
  @query(".reasons") private reasons!: HTMLElement | null;
  @query("details") private details!: HTMLDetailsElement | null;

  override willUpdate(changed: PropertyValues<this>): void {
    // A card that is being read does not fold because a newer one came to lie on it.
    if (changed.get("place") === "top" && this.place === "more") {
      this.unfolded = Boolean(this.details?.open || this.asking || this.article?.matches(":hover, :focus-within"));
    }
  }

  /** Does what a key means. Says what came of it, for whoever does not see it, or null where there was nothing to do. */
  press(act: Act): string | null {
    const { details, mark } = this;
    switch (act) {
      case "copy":
        if (!this.card.say) return null;
        void this.#copy();
        return "Copied";
      case "useful":
        this.#useful();
        return "Useful";
      case "pin":
        this.#say("pinned");
        return mark.pinned ? "Not pinned" : "Pinned";
      case "dismiss":
        void this.#ask();
        return "";
      case "open":
        void this.#toggle();
        return details?.open ? "Closed" : "Open";
      case "back":
        if (this.asking && !this.gone) void this.#keep();
        else if (details?.open) details.open = false;
        else return null;
        return "";
      default: {
        const chosen = DISMISSALS[Number(act.replace("reason ", "")) - 1];
        if (!chosen || !this.asking || this.gone) return null;
        this.#dismiss(chosen[0]);
        return `Dismissed: ${chosen[1]}`;
      }
    }
  }

  override render() {
    const { card, place } = this;
    const whole = place === "top" || this.unfolded;
    const heading =
      place === "earlier"
        ? html`<h3 data-testid="card-title">
            <button type="button" class="row" aria-expanded=${whole} @click=${() => (this.unfolded = !whole)}>
              <span class="clip" dir="auto">${card.title}</span><span class="small state">${this.#state()}</span>
            </button>
          </h3>`
        : html`<div class="head small">
              <span class="kind">${KIND_WORD[card.kind]}</span>${this.#state()}
              <span class="muted numbers at" title="Time in the call">${clockWords(card.shown_ms)}</span>
            </div>
            <h3 dir="auto" data-testid="card-title">${card.title}</h3>`;
    return html`<article
      class="card ${card.kind} ${card.state} ${this.gone ? "gone" : ""} ${whole ? "whole" : ""}"
      tabindex="-1"
      data-testid=${place === "earlier" ? "earlier-card" : "card"}
      data-card-id=${card.id}
      data-state=${card.state}
      data-gone=${this.gone}
    >
      ${heading} ${place === "earlier" && !whole ? nothing : this.#inside(whole)}
    </article>`;
  }

  #inside(whole: boolean) {
    const { card } = this;
    return html`${
      card.say
        ? html`<p class="say ${card.say.length > LONG ? "long" : ""}" dir="auto" data-testid="card-say">${card.say}</p>`
        : nothing
    }
    ${this.#controls(whole)}
    ${
      whole
        ? html`${card.article || !card.body ? nothing : html`<div class="body note" dir="auto" @click=${openElsewhere}>${unsafeHTML(card.body)}</div>`}
            <p class="why" data-testid="card-why">${this.#why()}</p>
            ${this.#behind()}`
        : nothing
    }`;
  }

  #why() {
    const { why } = this.card;
    if (!why.words.length) return html`Because: ${why.condition}`;
    const reader = this.place === "read" ? "supervisor" : "agent";
    if (why.score === null) return html`Because ${said(why.words, reader)}`;
    return html`By meaning, because ${said(why.words, reader)}${
      why.near.length ? html`<span data-testid="card-near">. It may also be about: ${why.near.map(plain).join(", ")}</span>` : nothing
    }`;
  }

  #behind() {
    const { article, body, say, why } = this.card;
    const steps = this.ticks?.steps ?? this.card.steps.map((text) => ({ text, done: false, words: [] }));
    // An article waits to be asked for; the sentence or two of a tip or an alert stand on the card itself.
    const label = [steps.length ? stepsWords(steps.length, steps.filter((step) => step.done).length) : "", article ? "article" : ""].filter(Boolean).join(" and ");
    return html`<details ?open=${!say && Boolean(article)} @toggle=${this.#opened}>
      <summary data-testid="card-open" aria-keyshortcuts=${this.#key("open")}>
        ${label ? label.charAt(0).toUpperCase() + label.slice(1) : "Where this comes from"}
      </summary>
      <div class="behind" @click=${openElsewhere}>
        ${
          steps.length
            ? html`<ol class="steps" role="list">
                ${steps.map((step, i) => stepItem(step, html`<span class="numbers">${i + 1}.</span>`))}
              </ol>`
            : nothing
        }
        ${article && body ? html`<div class="body" dir="auto">${unsafeHTML(body)}</div>` : nothing}
        <p class="small muted source">
          ${
            article
              ? html`Article ${article.id}, version
                  ${article.version}${
                    article.review_by
                      ? html`, review by
                        ${article.review_by}${reviewDue(article.review_by, new Date()) ? html` <strong>(overdue)</strong>` : nothing}`
                      : nothing
                  }.<br />`
              : nothing
          }
          Rule ${why.rule}:
          ${why.condition}.${
            why.bends.length
              ? html`<br />Made out: ${why.bends.map((bend) => `“${bend.heard}” for “${bend.meant}”`).join(", ")}.`
              : nothing
          }${why.score === null ? nothing : html`<br />The model is ${Math.round(why.score * 100)} % sure.`}${
            why.near.length ? html`<br />About as likely: ${why.near.join(", ")}.` : nothing
          }${why.beat.length ? html`<br />Came before ${why.beat.join(", ")}.` : nothing}
        </p>
      </div>
    </details>`;
  }

  #controls(whole: boolean) {
    const { card, mark, place } = this;
    const more =
      place === "more" || place === "read"
        ? html`<button
            type="button"
            class="bare unfold"
            aria-expanded=${whole}
            @click=${() => (this.unfolded = !this.unfolded)}
          >
            ${whole ? "Less" : "More"}<span class="unseen"> about ${card.title}</span>
          </button>`
        : nothing;
    if (place === "read") return html`<div class="controls">${this.#outcome()}${more}</div>`;
    // What became of it stands where the controls were, so that nothing below moves up under the hand.
    if (this.gone && place !== "earlier") {
      return html`<div class="controls">${this.#outcome()}</div>
        ${this.asking ? this.#reasons() : nothing}`;
    }
    return html`<div class="controls">
        ${
          card.say
            ? html`<button type="button" class="copy" aria-keyshortcuts=${this.#key("copy")} data-testid="card-copy" @click=${this.#copy}>
                ${this.copied ? "Copied" : "Copy"}<span class="unseen"> the sentence</span>
              </button>`
            : nothing
        }
        ${
          whole
            ? html`<button
                  type="button"
                  aria-pressed=${Boolean(mark.useful)}
                  aria-keyshortcuts=${this.#key("useful")}
                  data-testid="card-useful"
                  @click=${this.#useful}
                >
                  Useful
                </button>
                ${
                  place === "earlier"
                    ? nothing
                    : html`<button
                        type="button"
                        class="dismiss"
                        aria-expanded=${this.asking}
                        aria-keyshortcuts=${this.#key("dismiss")}
                        data-testid="card-dismiss"
                        @click=${() => (this.asking ? this.#keep() : this.#ask())}
                      >
                        Dismiss
                      </button>`
                }
                ${
                  card.state === "retracted" || mark.dismissed
                    ? nothing
                    : html`<button
                        type="button"
                        aria-pressed=${Boolean(mark.pinned)}
                        aria-keyshortcuts=${this.#key("pin")}
                        data-testid="card-pin"
                        @click=${() => this.#say("pinned")}
                      >
                        ${mark.pinned ? "Pinned" : "Pin"}
                      </button>`
                }`
            : nothing
        }
        ${more}
      </div>
      ${this.asking ? this.#reasons() : nothing}`;
  }

  /** Below the controls: a second click on "Dismiss" must not hit a reason. Keeps its room until the card has left. */
  #reasons() {
    return html`<div class="controls reasons ${this.gone ? "over" : ""}" role="group" aria-label="Why dismiss it?">
      ${DISMISSALS.map(
        ([reason, label], i) =>
          html`<button
            type="button"
            aria-keyshortcuts=${this.keys ? i + 1 : nothing}
            data-testid="dismiss-${reason}"
            @click=${() => this.#dismiss(reason)}
          >
            ${this.keys ? html`<kbd aria-hidden="true">${i + 1}</kbd>` : nothing}${label}
          </button>`,
      )}
    </div>`;
  }

  #key(act: Act) {
    return this.keys && this.meant ? keyOf(act) : nothing;
  }

  #outcome() {
    const { card, mark } = this;
    const dismissed = DISMISSALS.find(([reason]) => reason === mark.dismissed)?.[1];
    const words = card.state === "retracted" ? TAKEN_BACK[card.reason] : dismissed;
    return words ? html`<p class="small muted outcome">${words}</p>` : nothing;
  }

  #state() {
    const { card, gone, mark } = this;
    const label = (text: string, look = "") =>
      html`<span class="state ${look}" data-testid="card-state" data-state=${card.state}>${text}</span>`;
    if (card.state === "retracted") return label("Taken back", "back");
    if (gone === "dismissed" || mark.dismissed) return label("Dismissed", "back");
    if (card.state === "provisional") return label("Listening…", "listening");
    if (gone === "expired") return label("Past", "back");
    return label(mark.pinned ? "Pinned" : "", "");
  }

  #say(action: Answer["action"], reason: Answered["reason"] = ""): void {
    this.dispatchEvent(new Answered(this.card, action, reason));
  }

  #useful = () => {
    if (!this.mark.useful) this.#say("useful");
  };

  #copy = async () => {
    await copyText(this.card.say);
    this.copied = true;
    this.#say("copied");
    setTimeout(() => (this.copied = false), 2_000);
  };

  #opened = (event: Event) => {
    if ((event.target as HTMLDetailsElement).open && !this.mark.opened && this.place !== "read") this.#say("opened");
  };

  #toggle = async () => {
    this.unfolded = true;
    await this.updateComplete;
    if (this.details) this.details.open = !this.details.open;
  };

  #ask = async () => {
    this.unfolded = this.asking = true;
    await this.updateComplete;
    this.firstReason?.focus();
  };

  #keep = async () => {
    const back = this.reasons?.matches(":focus-within");
    this.asking = false;
    await this.updateComplete;
    if (back) this.dismissButton?.focus();
  };

  #dismiss(reason: Answered["reason"]): void {
    // The buttons go; focus stays on the card until it leaves.
    this.article.focus({ preventScroll: true });
    this.#say("dismissed", reason);
  }

  static override styles = [
    base,
    stepStyles,
    css`
      :host {
        display: block;
      }

      .card {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 8px;
        padding: 12px 14px 10px;
        border: 1px solid var(--line);
        border-inline-start: 4px solid var(--edge);
        border-radius: var(--radius);
        background: var(--surface);
        overflow-wrap: anywhere;
      }

      .card:focus {
        outline: none;
      }

      .card:focus-visible {
        outline: 2px solid var(--accent);
      }

      :host([place="top"]) .card {
        padding: 14px 16px 12px;
        border-inline-start-color: var(--accent);
        box-shadow: var(--shadow);
        animation: arrive 240ms ease-out;
      }

      /* Without fading in: the first frame can be read. */
      @keyframes arrive {
        from {
          transform: translateY(-6px);
        }
      }

      .card.alert,
      :host([place="top"]) .card.alert {
        border-inline-start-color: var(--critical);
      }

      .card.alert .kind {
        color: var(--critical);
      }

      :host([place="top"]) .card.alert:not(.gone) .say {
        background: var(--critical-soft);
      }

      .card.provisional,
      :host([place="top"]) .card.provisional {
        border-style: dashed;
        border-color: var(--edge);
        border-inline-start: 4px solid var(--line);
        background: var(--ground);
        box-shadow: none;
      }

      .head {
        display: flex;
        align-items: baseline;
        gap: 8px;
        min-block-size: 1.45em;
      }

      .kind {
        color: var(--muted);
        font-weight: 600;
      }

      .state {
        color: var(--accent);
      }

      .state.back,
      .state.listening {
        color: var(--muted);
      }

      .state.listening {
        font-style: italic;
      }

      .at {
        margin-inline-start: auto;
      }

      h3 {
        font-size: 0.9375rem;
        font-weight: 650;
        line-height: 1.3;
      }

      :host([place="top"]) h3 {
        font-size: 1.0625rem;
      }

      /* A title that goes on and on leaves room for the sentence, until the article is opened. */
      .head + h3 {
        display: -webkit-box;
        overflow: hidden;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 3;
      }

      .card:has(details[open]) .head + h3 {
        display: block;
      }

      .say {
        text-wrap: pretty;
      }

      /* To be read at a glance from a metre away. */
      :host([place="top"]) .say {
        padding: 9px 12px 10px;
        border: 1px solid transparent;
        border-radius: 8px;
        background: var(--accent-soft);
        font-size: 1.4375rem;
        line-height: 1.28;
      }

      :host([place="top"]) .long {
        font-size: 1.25rem;
      }

      :host([place="top"]) .provisional .say {
        border: 1px dashed var(--line);
        background: none;
      }

      .copy {
        min-inline-size: 4.3rem;
        color: var(--accent);
        font-weight: 600;
      }

      .why {
        color: var(--muted);
        font-size: 0.875rem;
      }

      summary {
        color: var(--muted);
        font-size: 0.875rem;
      }

      .behind {
        display: grid;
        gap: 8px;
        padding-block: 8px 4px;
        font-size: 0.9375rem;
      }

      /* Tables may be wider; their words are not to be cut in pieces. */
      .body {
        overflow: auto hidden;
        overflow-wrap: break-word;
      }

      .body pre {
        white-space: pre-wrap;
      }

      .note {
        font-size: 0.9375rem;
      }

      /* Nobody should still read it out. */
      .retracted .say {
        text-decoration: line-through;
      }

      .body > :first-child {
        margin-block-start: 0;
      }

      .body > :last-child {
        margin-block-end: 0;
      }

      .body :is(p, ul, ol, table, pre, blockquote) {
        margin-block: 0.5em;
      }

      .body :is(ul, ol) {
        padding-inline-start: 1.4em;
        list-style: revert;
      }

      .body :is(h1, h2, h3, h4, h5, h6) {
        margin-block: 0.8em 0.3em;
        color: inherit;
        font-size: 0.9375rem;
      }

      .body a {
        color: var(--accent);
      }

      .body img {
        max-inline-size: 100%;
      }

      .body td,
      .body th {
        padding: 3px 8px;
        border: 1px solid var(--line);
        text-align: start;
      }

      .controls {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
        min-block-size: 32px;
      }

      .controls button {
        min-block-size: 32px;
        padding-inline: 9px;
      }

      kbd {
        margin-inline-end: 5px;
        color: var(--muted);
        font: inherit;
      }

      .reasons button {
        padding-inline: 8px;
        font-size: 0.8125rem;
      }

      .over {
        visibility: hidden;
      }

      @container (max-width: 359px) {
        :host([place="top"]) .card {
          padding-inline: 12px;
        }

        :host([place="top"]) .say {
          padding: 7px 10px 8px;
          font-size: 1.25rem;
        }

        :host([place="top"]) .long {
          font-size: 1.125rem;
        }

        .controls {
          gap: 5px;
        }

        .controls button {
          padding-inline: 7px;
          font-size: 0.8125rem;
        }

        .reasons button {
          padding-inline: 5px;
        }

        kbd {
          display: none;
        }
      }

      .unfold {
        margin-inline-start: auto;
      }

      .gone,
      :host([place="top"]) .gone {
        border: 1px solid var(--line);
        border-inline-start-width: 4px;
        background: none;
        box-shadow: none;
        color: var(--muted);
        animation: none;
      }

      .gone .say,
      :host([place="top"]) .gone .say {
        background: none;
      }

      .gone .kind {
        color: var(--muted);
      }

      .outcome {
        align-self: center;
      }

      :host([place="earlier"]) .card,
      :host([place="earlier"]) .gone {
        gap: 6px;
        padding: 0;
        border: 0;
        border-radius: 0;
        background: none;
      }

      :host([place="earlier"]) .card.whole {
        padding-block-end: 10px;
      }

      .row {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
        gap: 10px;
        inline-size: 100%;
        padding-inline: 6px;
        border-color: transparent;
        background: none;
        font-size: 0.875rem;
        text-align: start;
      }

      .row .state {
        flex: none;
        font-weight: 400;
      }

      :host([place="earlier"]) .whole > :not(h3) {
        margin-inline: 6px;
      }

      @media (forced-colors: active) {
        .card.alert {
          border-inline-start-color: Highlight;
        }

        .gone {
          color: GrayText;
        }
      }
    `,
  ];
}

/** An article's id as words: no-internet -> no internet. */
function plain(id: string): string {
  return id.replace(/[-_]+/g, " ");
}

/** A link in an article opens beside the page: the guidance must stay on screen. */
function openElsewhere(event: MouseEvent): void {
  const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
  if (!link) return;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
}
