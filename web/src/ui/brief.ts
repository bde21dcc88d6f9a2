// The brief of a call: what the next person has to know, each line a way to where it was said.

import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { asOf, briefText, didWords, ledBy, moodWords, PART_WORD, PARTS, type Part, spots } from "../brief";
import type { Brief, BriefLine, Quote } from "../protocol";
import { clockWords } from "../words";
import { copyText } from "./copying";
import { leftStyles, leftText } from "./handover";
import { Seek } from "./quotes";
import { bandShape } from "./shapes";
import { base } from "./styles";

@customElement("rtig-brief")
export class BriefView extends LitElement {
  @property({ attribute: false }) brief: Brief | null = null;
  /** The call goes on: what is shown may be asked for again. */
  @property({ type: Boolean }) live = false;
  /** Of a call whose transcript is not at hand: its lines lead nowhere. */
  @property({ type: Boolean }) earlier = false;
  /** It may be written over for the next agent: `rtig-edit` asks for that, and what is slotted does it. */
  @property({ type: Boolean }) editable = false;
  @state() private copied = false;
  @query("[data-testid=brief-edit]") private edit!: HTMLButtonElement | null;
  /** The editor has closed: the button that opened it is back. */
  #refocus = false;

  override render() {
    const { brief } = this;
    if (this.earlier && brief) {
      return html`<div class="earlier" data-testid="brief">
        ${brief.handover ? leftText(brief.handover, Date.now()) : nothing} ${this.#parts(brief)}
      </div>`;
    }
    return html`<section aria-label="Brief" data-testid="brief">
      <div class="top">
        <h2>Brief <span class="small" data-testid="brief-as-of">${brief ? asOf(brief) : ""}</span></h2>
        ${
          this.live
            ? html`<button type="button" class="bare" data-testid="brief-update" @click=${this.#update}>Update</button>`
            : nothing
        }
        ${
          this.editable
            ? html`<button
                type="button"
                ?disabled=${!brief}
                title="Write over it for whoever has the customer next"
                data-testid="brief-edit"
                @click=${() => this.dispatchEvent(new Event("rtig-edit"))}
              >
                Hand over
              </button>`
            : nothing
        }
        <button type="button" ?disabled=${!brief} data-testid="brief-copy" @click=${this.#copy}>
          ${this.copied ? "Copied" : "Copy"}<span class="unseen"> the brief as text</span>
        </button>
      </div>
      <slot @rtig-written=${() => (this.#refocus = true)}></slot>
      ${brief ? this.#parts(brief) : html`<p class="muted small">Waiting for the server.</p>`}
    </section>`;
  }

  override updated(): void {
    if (!this.#refocus || !this.edit) return;
    this.#refocus = false;
    this.edit.focus();
  }

  #parts(brief: Brief) {
    return html`${PARTS.map((part) => this.#part(part, brief[part]))}
      ${this.earlier && !brief.mood.turns.length ? nothing : html`<h3>Mood</h3>`}
      ${
        this.earlier
          ? nothing
          : html`<p class="mood ${brief.mood.band}" data-testid="brief-mood">
              ${bandShape(brief.mood.band)} ${moodWords(brief)}
            </p>`
      }
      ${this.#lines("mood", brief.mood.turns)}
      ${
        brief.articles.length
          ? html`<h3>Articles</h3>
              <ul>
                ${brief.articles.map(
                  (article) =>
                    html`<li>
                      ${this.#line(article.at_ms, article.words, html`${article.title} <span class="led">${didWords(article)}</span>`)}
                    </li>`,
                )}
              </ul>`
          : nothing
      }`;
  }

  #part(part: Part, lines: readonly BriefLine[]) {
    return lines.length
      ? html`<h3>${PART_WORD[part]}</h3>
          ${this.#lines(part, lines)}`
      : nothing;
  }

  #lines(part: Part | "mood", lines: readonly BriefLine[]) {
    if (!lines.length) return nothing;
    return html`<ul>
      ${lines.map((one) => {
        const led = ledBy(part, one);
        const words = one.text ? html`${led ? ": " : ""}<bdi>${withWhen(one)}</bdi>` : nothing;
        return html`<li data-part=${part}>
          ${this.#line(one.at_ms, one.words, html`${led ? html`<span class="led">${led}</span>` : nothing}${words}`)}
        </li>`;
      })}
    </ul>`;
  }

  /** With its time; where it has words, the whole of it leads to them. */
  #line(at: number, words: readonly Quote[], told: TemplateResult) {
    const time = html`<span class="numbers">${clockWords(at)}</span>`;
    if (this.earlier || !words.length) {
      return html`<p class="line" data-testid="brief-line">${time}<span>${told}</span></p>`;
    }
    const seek = (event: Event) => event.currentTarget?.dispatchEvent(new Seek(...spots(words)));
    return html`<button type="button" class="line" title="Show in the transcript" data-testid="brief-line" @click=${seek}>
      ${time}<span>${told}</span>
    </button>`;
  }

  #copy = async () => {
    if (!this.brief) return;
    await copyText(briefText(this.brief));
    this.copied = true;
    setTimeout(() => (this.copied = false), 2_000);
  };

  #update = () => this.dispatchEvent(new Event("rtig-update"));

  static override styles = [
    base,
    leftStyles,
    css`
      section,
      .earlier {
        font-size: 0.8125rem;
        line-height: 1.35;
      }

      section {
        padding: 8px 6px 10px 12px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }

      .earlier h3:first-child {
        margin-block-start: 0;
      }

      .top {
        display: flex;
        align-items: center;
        gap: 6px;
      }

      h2 {
        flex: 1;
        color: var(--ink);
        font-size: 0.875rem;
      }

      h2 .small {
        color: var(--muted);
        font-weight: 400;
      }

      h3 {
        margin-block-start: 8px;
        color: var(--muted);
        font-size: 0.75rem;
        font-weight: 600;
      }

      .line {
        display: grid;
        grid-template-columns: minmax(2.3rem, auto) minmax(0, 1fr);
        gap: 4px;
        inline-size: 100%;
        min-block-size: 24px;
        padding: 2px 6px;
        margin-inline-start: -6px;
        border: 0;
        border-radius: 6px;
        background: none;
        font-size: inherit;
        text-align: start;
        overflow-wrap: anywhere;
      }

      button.line:hover {
        background: var(--accent-soft);
      }

      .numbers {
        color: var(--muted);
      }

      button.line .numbers {
        color: var(--accent);
        text-decoration: underline;
        text-decoration-thickness: 1px;
        text-underline-offset: 3px;
      }

      .led {
        color: var(--muted);
      }

      .mood {
        display: flex;
        align-items: center;
        gap: 6px;
        min-block-size: 26px;
      }

      .mood .shape {
        color: var(--mood);
      }
    `,
  ];
}

/** The words of a line, the time by which something was promised set off. */
function withWhen({ text, when }: BriefLine) {
  if (!when) return text;
  const at = text.indexOf(when);
  // A line that was cut may have lost it.
  if (at < 0) return html`${text} <strong>${when}</strong>`;
  return html`${text.slice(0, at)}<strong>${when}</strong>${text.slice(at + when.length)}`;
}
