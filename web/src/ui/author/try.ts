// A sentence, tried on the playbook in use: what fires, what does not and why not. Again by itself when the playbook
// changes, so that somebody who edits a file beside the page sees what the edit did.

import { css, html, LitElement, nothing, type PropertyValues } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { ask, Refusal } from "../../asking";
import type { Fired, LaneIs, Likely, Miss, Quote, RuleLine, RuleStory, Try, TriedSentence } from "../../protocol";
import { BAND_WORD } from "../../words";
import { bar } from "../shapes";
import { base } from "../styles";
import { inCode, look, RULE_KIND, sentence } from "./look";

const PAUSE_MS = 250;
/** Before a sentence is tried again that was one too many. */
const LATER_MS = 1_000;
const ENOUGH = 0.5;

@customElement("rtig-author-try")
export class TryView extends LitElement {
  @property({ attribute: false }) key = "";
  /** Of the playbook in use. */
  @property({ attribute: false }) version = "";
  @property({ attribute: false }) lane: LaneIs["state"] = "off";
  @property({ attribute: false }) rules: readonly RuleLine[] = [];

  @state() private answer: TriedSentence | null = null;
  @state() private problem = "";
  @state() private busy = false;
  @query("form") private form!: HTMLFormElement;

  #timer = 0;
  #asking: AbortController | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    const again = changed.get("version") || (changed.has("lane") && changed.get("lane") !== undefined);
    if (again && this.form?.["sentence"].value.trim()) void this.#ask();
  }

  override render() {
    return html`<div class="stack">
      <form
        class="panel"
        @submit=${(event: Event) => {
          event.preventDefault();
          void this.#ask();
        }}
        @input=${this.#typed}
        @change=${this.#typed}
      >
        <div class="wide">
          <label for="sentence">What somebody says</label>
          <textarea
            id="sentence"
            name="sentence"
            rows="2"
            maxlength="1000"
            placeholder="my bill has doubled and nobody told me"
            spellcheck="false"
            data-testid="sentence"
            @keydown=${(event: KeyboardEvent) => {
              if (event.key === "Enter" && !event.shiftKey) {
                event.preventDefault();
                void this.#ask();
              }
            }}
          ></textarea>
        </div>
        <fieldset>
          <legend>Who says it</legend>
          <label><input type="radio" name="party" value="customer" checked /> Customer</label>
          <label><input type="radio" name="party" value="agent" data-testid="party-agent" /> Agent</label>
        </fieldset>
        <div class="short">
          <label for="queue">Queue</label>
          <input id="queue" name="queue" maxlength="128" size="10" spellcheck="false" placeholder="none" />
        </div>
        <div class="short">
          <label for="at">Seconds into the call</label>
          <input id="at" name="at" type="number" min="0" max="86400" step="1" value="0" />
        </div>
        <div class="grow">
          <label for="rule">Why (not) this one</label>
          <select id="rule" name="rule" data-testid="why-rule">
            <option value="">–</option>
            ${this.rules.map((rule) => html`<option value=${rule.id}>${rule.title} (${rule.id})</option>`)}
          </select>
        </div>
      </form>
      <p class="lane small" data-testid="meaning" ?hidden=${this.lane === "on" && this.answer?.lane !== "starting"}>
        ${inCode(meaningWords(this.lane, this.answer))}
      </p>
      <div role="status" class="unseen">${this.#summary()}</div>
      ${
        this.problem
          ? html`<p class="problem" role="alert" data-testid="problem">${this.problem}</p>`
          : this.answer
            ? this.#answered(this.answer)
            : html`<p class="muted" data-testid="nothing-tried">
                Type a sentence as a customer or an agent would say it. It is tried as the first words of a call, on the
                playbook in use, and kept nowhere.
              </p>`
      }
    </div>`;
  }

  #summary(): string {
    const fired = this.answer?.tried.fired ?? [];
    if (!this.answer || this.busy) return "";
    return fired.length ? `Fires: ${fired.map((one) => one.title).join(", ")}` : "Nothing fires.";
  }

  #answered({ tried, story }: TriedSentence) {
    const sure = tried.likely?.filter((one) => one.score > 0) ?? [];
    return html`<div class="answer ${this.busy ? "busy" : ""}" data-testid="answer" aria-busy=${this.busy}>
      ${story ? storyTold(story) : nothing}
      <section aria-labelledby="fires">
        <h2 id="fires">What fires</h2>
        ${
          tried.fired.length
            ? html`<ul>
                ${tried.fired.map((one) => fired(one))}
              </ul>`
            : html`<p class="muted" data-testid="nothing-fires">Nothing fires.</p>`
        }
        ${this.#besides(tried)}
      </section>
      <section aria-labelledby="silent">
        <h2 id="silent">What nearly fires, and why not</h2>
        ${
          tried.near.length
            ? html`<ul>
                ${tried.near.map((one) => missed(one))}
              </ul>`
            : html`<p class="muted">No other phrase came near.</p>`
        }
      </section>
      <section aria-labelledby="meant">
        <h2 id="meant">What it may mean</h2>
        ${
          tried.likely === null
            ? html`<p class="muted" data-testid="no-meaning">No model has read it: words alone count.</p>`
            : sure.length
              ? html`<ul>
                  ${sure.map((one) => likely(one, this.#title(one.rule), this.#title(one.lost_to)))}
                </ul>`
              : html`<p class="muted">Nothing that the playbook knows.</p>`
        }
      </section>
      <section aria-labelledby="found">
        <h2 id="found">What a search finds</h2>
        ${
          tried.articles.length
            ? html`<ol>
                ${tried.articles.map((one) => html`<li>${one.title} <code>${one.article}</code></li>`)}
              </ol>`
            : html`<p class="muted">No article.</p>`
        }
      </section>
    </div>`;
  }

  #besides(tried: TriedSentence["tried"]) {
    const slots = Object.entries(tried.slots);
    if (!slots.length && !tried.ticked.length && !tried.reasons.length) return nothing;
    return html`<dl class="besides small">
      ${slots.map(([name, value]) => html`<dt>Keeps ${name}</dt><dd>${value}</dd>`)}
      ${tried.ticked.map((step) => html`<dt>Ticks</dt><dd><code>${step}</code></dd>`)}
      ${tried.reasons.length ? html`<dt>Mood</dt><dd>${BAND_WORD[tried.band]} (${tried.score.toFixed(2)})</dd>` : nothing}
      ${tried.reasons.map(
        (one) => html`<dt>${one.weight > 0 ? "+" : ""}${one.weight.toFixed(2)}</dt>
          <dd>${one.what}: ${marked(one.words)}</dd>`,
      )}
    </dl>`;
  }

  #title(id: string): string {
    return this.rules.find((rule) => rule.id === id)?.title ?? id;
  }

  #typed = () => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), PAUSE_MS);
  };

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    const said = new FormData(this.form);
    const sentence = String(said.get("sentence")).trim();
    if (!sentence) {
      this.answer = null;
      this.problem = "";
      this.busy = false;
      return;
    }
    const wanted: Try = {
      sentence,
      party: said.get("party") === "agent" ? "agent" : "customer",
      queue: String(said.get("queue")).trim(),
      at_seconds: Math.max(0, Number(said.get("at")) || 0),
      rule: String(said.get("rule")),
    };
    const asking = new AbortController();
    this.#asking = asking;
    this.busy = true;
    try {
      const answer = await ask<TriedSentence>(this.key, "try", { method: "POST", body: wanted, signal: asking.signal });
      if (this.#asking !== asking) return;
      this.answer = answer;
      this.problem = "";
    } catch (error) {
      if (this.#asking !== asking) return;
      if (error instanceof Refusal && error.code === "rate_limited") {
        this.#timer = setTimeout(() => void this.#ask(), LATER_MS);
        return;
      }
      this.problem = (error as Error).message;
    }
    this.busy = false;
  }

  static override styles = [
    base,
    look,
    css`
      form {
        display: flex;
        flex-wrap: wrap;
        gap: 12px 20px;
        align-items: end;
      }

      form > div {
        display: grid;
        gap: 3px;
        min-inline-size: 0;
      }

      .wide {
        flex: 1 0 100%;
      }

      .grow {
        flex: 1 1 14rem;
      }

      textarea {
        inline-size: 100%;
        resize: vertical;
        font-size: 1rem;
      }

      select {
        inline-size: 100%;
      }

      input[type="number"] {
        inline-size: 7rem;
      }

      @media (max-width: 480px) {
        .short {
          flex: 1 1 7rem;
        }

        .short input:not([type="radio"]) {
          inline-size: 100%;
        }

        fieldset {
          flex: 1 0 100%;
        }
      }

      fieldset {
        display: flex;
        gap: 14px;
        min-block-size: 34px;
        margin: 0;
        padding: 0;
        border: 0;
        align-items: center;
      }

      legend {
        padding: 0 0 3px;
        font-size: 0.8125rem;
        font-weight: 600;
      }

      fieldset label {
        font-weight: 400;
        font-size: 0.875rem;
      }

      .lane {
        padding: 8px 12px;
        border-radius: 7px;
        background: var(--tense-soft);
        color: var(--tense);
      }

      .answer {
        columns: 24rem;
        column-gap: 12px;
        transition: opacity 200ms;
      }

      .answer > section {
        margin-block-end: 12px;
        break-inside: avoid;
      }

      .story {
        column-span: all;
      }

      li {
        padding: 8px 0;
        border-block-start: 1px solid var(--line);
      }

      li:first-child {
        border-block-start: 0;
        padding-block-start: 0;
      }

      ol {
        padding-inline-start: 1.3em;
        list-style: decimal;
      }

      ol li {
        padding: 3px 0;
        border: 0;
      }

      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
      }

      .say {
        font-style: italic;
      }

      .held {
        color: var(--tense);
        font-weight: 550;
      }

      .scored {
        display: grid;
        grid-template-columns: 2.4rem minmax(0, 1fr);
        gap: 2px 8px;
        align-items: center;
      }

      .scored .bar,
      .scored .because {
        grid-column: 2;
      }

      .besides {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        gap: 3px 12px;
        margin: 10px 0 0;
        padding-block-start: 8px;
        border-block-start: 1px solid var(--line);
      }

      .besides dt {
        color: var(--muted);
      }

      .besides dd {
        margin: 0;
        overflow-wrap: anywhere;
      }
    `,
  ];
}

function meaningWords(lane: LaneIs["state"], answer: TriedSentence | null): string {
  if (lane === "off") return "Meaning is off on this server: only words are tried, and triggers with `means` stay silent.";
  if (lane === "down") return "The model is away for now: only words are tried, and triggers with `means` stay silent.";
  return answer?.tried.likely
    ? "The model is learning what has changed; what is shown here is from before."
    : "The model is still learning the playbook: only words are tried. This is tried again when it is ready.";
}

function fired(one: Fired) {
  return html`<li data-testid="fired" data-rule=${one.rule} data-held=${Boolean(one.held_back)}>
    <p class="head">
      <strong>${one.title}</strong>
      <span class="badge">${one.to === "supervisors" ? RULE_KIND.supervisors : RULE_KIND[one.kind]}</span>
      <code>${one.rule}</code>
    </p>
    ${one.held_back ? html`<p class="held">Not shown: ${one.held_back}.</p>` : nothing}
    ${one.say ? html`<p class="say">${one.say}</p>` : nothing}
    <p class="small muted">
      ${one.condition}${one.score === null ? "" : `, ${one.score.toFixed(2)} of the ${ENOUGH.toFixed(2)} it takes`}:
      ${marked(one.words)}
    </p>
    ${
      one.bends.length
        ? html`<p class="small muted">
            Heard ${one.bends.map((bend) => `“${bend.heard}” for “${bend.meant}”`).join(", ")}.
          </p>`
        : nothing
    }
    ${one.near.length ? html`<p class="small muted">About as likely: ${one.near.join(", ")}.</p>` : nothing}
  </li>`;
}

function missed(one: Miss) {
  return html`<li data-testid="missed" data-rule=${one.rule}>
    <p class="head"><strong>${one.title}</strong> <code>${one.rule}</code></p>
    <p class="small">Listens for <code>${one.phrase}</code></p>
    <p class="small muted">${inCode(sentence(one.because))}</p>
  </li>`;
}

function likely(one: Likely, title: string, rival: string) {
  const because = one.meant
    ? "Meant"
    : one.lost_to
      ? `Not meant: ${rival} is likelier`
      : `Not meant: it takes ${ENOUGH.toFixed(2)}`;
  return html`<li class="scored" data-testid="likely" data-rule=${one.rule} data-meant=${one.meant}>
    <span class="numbers">${one.score.toFixed(2)}</span><strong>${title}</strong>
    ${bar(one.score)}
    <span class="because small muted">${because}</span>
  </li>`;
}

function storyTold(story: RuleStory) {
  return html`<section class="story" aria-labelledby="story" data-testid="story">
    <h2 id="story">${story.title}</h2>
    <p><strong data-testid="verdict">${inCode(story.verdict)}</strong></p>
    <ul>
      ${story.points
        .filter((point) => point.sentence !== story.verdict)
        .map((point) => html`<li class="small">${inCode(point.sentence)}</li>`)}
    </ul>
  </section>`;
}

function marked(words: readonly Quote[]) {
  return words.map((quote, at) => html`${at ? " … " : ""}<mark>${quote.text}</mark>`);
}
