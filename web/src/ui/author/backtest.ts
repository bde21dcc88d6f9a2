// What a change of the rules would have done in recorded calls: a sentence for all of it, then rule by rule.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Example, Knowledge, Report, RuleDifference } from "../../protocol";
import { clockWords, PARTY_WORD } from "../../words";
import { base } from "../styles";
import { counted, look } from "./look";

const CHANGE_WORD: Record<RuleDifference["change"], string> = {
  same: "not edited: others made the difference",
  edited: "edited",
  added: "new",
  removed: "removed",
};

/** Why the other playbook did not show it. */
const HELD_WORD: Record<string, string> = {
  beaten: "the same words called for $ more surely",
  budget: "other cards had the agent's attention",
  cooldown: "it was in its cooldown",
  once: "it had come in this call",
  excluded: "“$” excluded it",
  done: "the agent did it unprompted",
  draft: "it is a draft",
  queue: "it is for other queues",
  team: "it is for other teams",
  channel: "it is not for such calls",
};

const AROUND = 90;

@customElement("rtig-author-backtest")
export class BacktestView extends LitElement {
  @property({ attribute: false }) report: Report | null = null;
  @property({ attribute: false }) knowledge: Knowledge | null = null;

  override render() {
    const { report } = this;
    const draft = this.knowledge?.compares === "draft";
    return html`<div class="stack">
      <p class="muted" data-testid="compares">
        ${
          draft
            ? "The draft folder against what is in use: which cards the change would have gained, lost and moved."
            : "What is in use against what the server started with: which cards the changes since would have gained, lost and moved. To try a change before it is in use, have RTIG_DRAFT name a second folder."
        }
      </p>
      ${report ? this.#told(report) : nothing}
    </div>`;
  }

  #told(report: Report) {
    if (report.old === report.new) {
      return html`<p class="panel" data-testid="headline">
        Nothing to compare: both are the same playbook, ${report.new}. Change a file and come back.
      </p>`;
    }
    return html`<section aria-labelledby="headline">
        <h2 id="headline" data-testid="headline">${headline(report)}</h2>
        <p>
          ${counted(report.gained, "card")} gained, ${report.lost.toLocaleString("en")} lost,
          ${report.moved.toLocaleString("en")} moved. ${counted(report.calls_changed, "call")} would have gone differently
          (${share(report.calls_changed, report.calls)}); they hold ${hours(report.seconds)} of talk in all.
        </p>
        <p class="small muted"><code>${report.old}</code> → <code>${report.new}</code></p>
      </section>
      ${report.rules.map((rule, at) => this.#rule(rule, at === 0))}`;
  }

  #rule(rule: RuleDifference, open: boolean) {
    const groups = (
      [
        ["gained", rule.gained, rule.examples_gained],
        ["lost", rule.lost, rule.examples_lost],
        ["moved", rule.moved, rule.examples_moved],
      ] as const
    ).filter(([, number]) => number);
    return html`<details class="panel" ?open=${open} data-testid="difference" data-rule=${rule.rule}>
      <summary>
        <strong>${rule.rule}</strong> <span class="badge">${CHANGE_WORD[rule.change]}</span>
        <span class="numbers">${rule.old} → ${counted(rule.new, "card")}</span>
        <span class="muted small">${groups.map(([what, number]) => `${number} ${what}`).join(", ") || "no card differs"}</span>
      </summary>
      ${groups.map(
        ([what, number, examples]) => html`<h3>
            ${number.toLocaleString("en")} ${what}${
              examples.length < number ? html`<span class="muted small">, ${examples.length} of them</span>` : nothing
            }
          </h3>
          <ul>
            ${examples.map((one) => example(one, what))}
          </ul>`,
      )}
    </details>`;
  }

  static override styles = [
    base,
    look,
    css`
      summary {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 12px;
        align-items: baseline;
      }

      summary strong {
        overflow-wrap: anywhere;
      }

      details h3 {
        margin-block: 10px 2px;
        font-size: 0.875rem;
      }

      li {
        padding: 6px 0;
        border-block-start: 1px solid var(--line);
        overflow-wrap: anywhere;
      }
    `,
  ];
}

/** "37 more cards in 412 calls, here they are". */
function headline(report: Report): string {
  const more = report.cards_new - report.cards_old;
  const calls = counted(report.calls, "call");
  if (!report.gained && !report.lost && !report.moved) return `No card differs in ${calls}`;
  if (!more) return `As many cards in ${calls}, and not the same`;
  return `${counted(Math.abs(more), more > 0 ? "more card" : "fewer card", more > 0 ? "more cards" : "fewer cards")} in ${calls}`;
}

function example(one: Example, what: "gained" | "lost" | "moved") {
  const place = one.place ?? null;
  const sure = one.score ? `, meant (${one.score.toFixed(2)})` : "";
  const held = one.withheld ? (HELD_WORD[one.withheld] ?? one.withheld).replace("$", one.by ?? "") : "";
  return html`<li data-testid="example">
    <p class="small muted">
      Call <code>${one.call_id}</code>, ${place ? `${one.words ? "turn" : "after turn"} ${place[0]}, ` : ""}${clockWords(one.at_ms)}${sure}${
        one.before ? `; before at ${clockWords(one.before.at_ms)}` : ""
      }
    </p>
    ${place ? html`<p>${PARTY_WORD[place[1]]}: ${turn(place, Boolean(one.words))}</p>` : nothing}
    ${one.words ? nothing : html`<p class="small">${one.condition}</p>`}
    ${held ? html`<p class="small muted">${what === "lost" ? "Now" : "Before"} withheld: ${held}.</p>` : nothing}
  </li>`;
}

function turn([, , text, start, end]: NonNullable<Example["place"]>, marked: boolean) {
  if (!marked) return text.length > 2 * AROUND ? `${text.slice(0, 2 * AROUND)}…` : text;
  const before = start > AROUND ? `…${text.slice(start - AROUND, start)}` : text.slice(0, start);
  const after = text.length - end > AROUND ? `${text.slice(end, end + AROUND)}…` : text.slice(end);
  return html`${before}<mark>${text.slice(start, end)}</mark>${after}`;
}

function share(part: number, whole: number): string {
  return whole ? `${((100 * part) / whole).toFixed(1)} %` : "none";
}

function hours(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes} min`;
}
