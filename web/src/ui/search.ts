// The search box: articles by words and by meaning, while the agent types. Keeps nothing when it is emptied.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { unsafeHTML } from "lit/directives/unsafe-html.js";
import { freshId } from "../outbox";
import type { Find, Found } from "../protocol";
import { keyOf } from "../shortcuts";
import { base } from "./styles";

/** From the last key to the question: fast typists ask once a word. */
const PAUSE_MS = 150;

@customElement("rtig-search")
export class SearchBox extends LitElement {
  /** Sends a question; false where there is no connection. */
  @property({ attribute: false }) ask: (message: Find) => boolean = () => false;
  /** Whether single keys are heard. */
  @property({ attribute: false }) keys = false;
  @state() private found: Found | null = null;
  @state() private asked = "";
  @query("input") private input!: HTMLInputElement | null;

  #timer = 0;
  #waitingFor = "";

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  /** Whether the answer was to the question that was asked last; older ones are of no interest any more. */
  take(answer: Found): boolean {
    if (answer.find_id !== this.#waitingFor) return false;
    this.found = answer;
    return true;
  }

  enter(): void {
    this.input?.focus();
    this.input?.select();
  }

  /** True when there was something to take away. */
  clear(): boolean {
    if (!this.input?.value) return false;
    this.input.value = "";
    this.#typed();
    return true;
  }

  override render() {
    const articles = this.found?.articles ?? [];
    return html`<search @keydown=${this.#key}>
      <input
        type="search"
        aria-label="Search articles"
        placeholder="Search articles"
        autocomplete="off"
        maxlength="200"
        dir="auto"
        aria-keyshortcuts=${this.keys ? keyOf("search") : nothing}
        data-testid="search"
        @input=${this.#typed}
      />
      <p class="unseen" role="status">${this.asked && this.found ? counted(articles.length) : ""}</p>
      ${
        this.asked && this.found
          ? html`<ul data-testid="found">
              ${repeat(
                articles,
                (article) => article.id,
                (article) =>
                  html`<li>
                    <details data-testid="found-article" data-article-id=${article.id}>
                      <summary dir="auto">${article.title}</summary>
                      ${article.say ? html`<p class="say" dir="auto">${article.say}</p>` : nothing}
                      ${
                        article.steps.length
                          ? html`<ol dir="auto">
                              ${article.steps.map((step) => html`<li>${step}</li>`)}
                            </ol>`
                          : nothing
                      }
                      <div class="body" dir="auto">${unsafeHTML(article.body)}</div>
                    </details>
                  </li>`,
              )}
              ${articles.length ? nothing : html`<li class="muted small none">Nothing is about that.</li>`}
              ${this.found.meaning ? nothing : html`<li class="muted small none" data-testid="words-only">Searched by words, not by meaning.</li>`}
            </ul>`
          : nothing
      }
    </search>`;
  }

  #typed = () => {
    clearTimeout(this.#timer);
    const wanted = this.input?.value.trim() ?? "";
    if (!wanted) {
      this.asked = "";
      this.found = null;
      this.#waitingFor = "";
      return;
    }
    this.#timer = setTimeout(() => this.#send(wanted), PAUSE_MS);
  };

  #send(wanted: string): void {
    const id = freshId();
    if (this.ask({ type: "find", find_id: id, query: wanted })) {
      this.#waitingFor = id;
      this.asked = wanted;
    }
  }

  #key = (event: KeyboardEvent) => {
    const { input } = this;
    if (!input) return;
    if (event.isComposing) return;
    if (event.key === "Escape" && this.clear()) {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Enter" && event.target === input) {
      clearTimeout(this.#timer);
      const wanted = input.value.trim();
      if (wanted) this.#send(wanted);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const stops = [input, ...this.renderRoot.querySelectorAll("summary")];
      const at = stops.indexOf(event.target as HTMLInputElement);
      const next = at < 0 ? undefined : stops[at + (event.key === "ArrowDown" ? 1 : -1)];
      if (!next) return;
      event.preventDefault();
      next.focus();
    }
  };

  static override styles = [
    base,
    css`
      /* The box and what it finds have their places in the grid of whoever shows them. */
      :host,
      search {
        display: contents;
      }

      input {
        inline-size: 100%;
        min-block-size: 32px;
        padding: 4px 12px;
        border: 1px solid var(--edge);
        border-radius: 20px;
        background: var(--surface);
        color: inherit;
        font: inherit;
        font-size: 0.875rem;
      }

      /* Guidance stays in sight below. */
      ul {
        grid-column: 1 / -1;
        grid-row: 2;
        display: grid;
        gap: 2px;
        max-block-size: max(9rem, 27cqb);
        overflow-y: auto;
        padding: 4px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        list-style: none;
      }

      summary {
        padding: 5px 8px;
        border-radius: 6px;
        cursor: pointer;
        font-size: 0.875rem;
        font-weight: 600;
      }

      details > :not(summary) {
        margin: 4px 10px 8px;
        overflow: auto hidden;
        overflow-wrap: break-word;
      }

      summary {
        overflow-wrap: anywhere;
      }

      @container (min-width: 860px) {
        ul {
          max-block-size: max(9rem, 45cqb);
        }
      }

      .say {
        font-weight: 550;
      }

      ol {
        padding-inline-start: 1.4em;
        list-style: decimal;
      }

      .body > :first-child {
        margin-block-start: 0;
      }

      .body > :last-child {
        margin-block-end: 0;
      }

      .none {
        padding: 6px 8px;
      }
    `,
  ];
}

function counted(articles: number): string {
  return articles === 1 ? "1 article found" : `${articles || "No"} articles found`;
}
