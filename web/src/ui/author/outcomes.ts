// Articles and triggers with how they did in recorded calls, as a table that the address sorts and filters.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Place } from "../../place";
import type { Outcomes, RuleLine, RuleOutcome } from "../../protocol";
import { type Column, COLUMNS, reasonsOf, rowsOf, sortedBy, sortOf, sum } from "../../rows";
import { WITHHELD_WORD } from "../../words";
import { base } from "../styles";
import { counted, dayWords, look, RULE_KIND } from "./look";

/** Another sort or filter is wanted. */
export class Wanted extends Event {
  readonly change: Partial<Place>;

  constructor(change: Partial<Place>) {
    super("rtig-wanted", { bubbles: true, composed: true });
    this.change = change;
  }
}

const COLUMN_WORD: Record<Column, string> = {
  title: "Article or trigger",
  shown: "Shown",
  useful: "Useful",
  opened: "Opened",
  copied: "Copied",
  dismissed: "Dismissed",
  late: "Late",
  withheld: "Withheld",
};

const DISMISSED_WORD: Record<string, string> = {
  "": "no reason given",
  wrong: "wrong",
  late: "too late",
  known: "known already",
  busy: "no time",
};

@customElement("rtig-author-outcomes")
export class OutcomesView extends LitElement {
  @property({ attribute: false }) outcomes: Outcomes | null = null;
  @property({ attribute: false }) place!: Place;
  @property({ attribute: false }) rules: readonly RuleLine[] = [];
  /** Of the playbook in use. */
  @property({ attribute: false }) version = "";

  override render() {
    const { outcomes } = this;
    if (!outcomes) {
      return html`<p class="muted" data-testid="no-outcomes">
        How often each article and trigger came in recorded calls, what agents did with it, and why it was held back.
        Calls are folded with the rules that are in use now: one that was changed counts as it would have come. No words
        of customers and no names are in it.
      </p>`;
    }
    if (!outcomes.calls) return html`<p class="muted" data-testid="no-calls">No calls have been recorded yet.</p>`;
    const rows = rowsOf(outcomes.rules, this.place);
    return html`<div class="stack">
      <div class="bar-of-filters">
        <p data-testid="span">
          ${counted(outcomes.calls, "call")} ${span(outcomes)}
          ${
            this.version && outcomes.playbook !== this.version
              ? html`<strong class="old" data-testid="older"> · counted with ${outcomes.playbook}, which is not in use any more</strong>`
              : nothing
          }
        </p>
        <label class="unseen" for="find">Only titles and ids with</label>
        <input
          id="find"
          type="search"
          placeholder="Title or id"
          spellcheck="false"
          data-testid="find"
          .value=${this.place.find}
          @input=${(event: InputEvent) => this.#want({ find: (event.target as HTMLInputElement).value })}
        />
        <label class="unseen" for="kind">Only of this kind</label>
        <select id="kind" data-testid="kind" @change=${(event: Event) => this.#want({ kind: (event.target as HTMLSelectElement).value })}>
          <option value="">All kinds</option>
          ${Object.entries(RULE_KIND).map(
            ([kind, word]) => html`<option value=${kind} ?selected=${this.place.kind === kind}>${word}</option>`,
          )}
        </select>
        <span class="check">
          <input
            id="never"
            type="checkbox"
            data-testid="never"
            .checked=${this.place.never}
            @change=${(event: Event) => this.#want({ never: (event.target as HTMLInputElement).checked })}
          />
          <label for="never">Never came</label>
        </span>
      </div>
      ${
        rows.length
          ? this.#table(rows)
          : html`<p class="muted panel" data-testid="no-rows">Nothing is like this. Clear the filters to see all.</p>`
      }
    </div>`;
  }

  #table(rows: RuleOutcome[]) {
    const sort = sortOf(this.place.sort);
    const spots = new Map(this.rules.map((rule) => [rule.id, rule]));
    return html`<table role="table" aria-label="Articles and triggers">
      <thead role="rowgroup">
        <tr role="row">
          ${COLUMNS.map(
            (column) => html`<th
              role="columnheader"
              scope="col"
              class=${column}
              aria-sort=${sort.column === column ? (sort.down ? "descending" : "ascending") : nothing}
            >
              <button
                type="button"
                class="bare"
                data-testid="sort-${column}"
                @click=${() => this.#want({ sort: sortedBy(this.place.sort, column) })}
              >
                ${COLUMN_WORD[column]}<span aria-hidden="true"
                  >${sort.column === column ? (sort.down ? " ↓" : " ↑") : ""}</span
                >
              </button>
            </th>`,
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map((row) => this.#row(row, spots.get(row.rule)))}
      </tbody>
    </table>`;
  }

  #row(row: RuleOutcome, spot: RuleLine | undefined) {
    const alert = row.kind === "supervisors";
    return html`<tr role="row" data-testid="outcome" data-rule=${row.rule}>
      <td role="cell" class="title">
        <strong>${row.title}</strong>
        <span class="small muted"
          >${RULE_KIND[row.kind]}${row.draft ? ", a draft" : ""} · <code>${row.rule}</code>${
            spot?.path ? html` · ${spot.path}:${spot.line}` : nothing
          }</span
        >
      </td>
      ${number(alert ? "Raised" : "Shown", row.shown, row.shown !== row.calls ? `in ${counted(row.calls, "call")}` : "")}
      ${number(alert ? "Taken on" : "Useful", row.useful, share(row.useful, row.shown))}
      ${number("Opened", row.opened)} ${number("Copied", row.copied)}
      ${number("Dismissed", sum(row.dismissed), reasons(row.dismissed, DISMISSED_WORD))} ${number("Late", row.late)}
      ${number("Withheld", sum(row.withheld), reasons(row.withheld, WITHHELD_WORD))}
    </tr>`;
  }

  #want(change: Partial<Place>): void {
    this.dispatchEvent(new Wanted(change));
  }

  static override styles = [
    base,
    look,
    css`
      .bar-of-filters {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 14px;
        align-items: center;
      }

      .bar-of-filters > p {
        flex: 1 1 18rem;
      }

      .old {
        color: var(--tense);
        font-weight: 550;
      }

      .check {
        display: flex;
        gap: 6px;
        align-items: center;
      }

      input[type="search"] {
        inline-size: 12rem;
      }

      table {
        inline-size: 100%;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        border-collapse: separate;
        border-spacing: 0;
        table-layout: fixed;
        background: var(--surface);
        font-size: 0.875rem;
      }

      th {
        padding: 4px 2px;
        border-block-end: 1px solid var(--line);
        text-align: end;
        vertical-align: bottom;
      }

      th.title {
        inline-size: 40%;
        text-align: start;
      }

      th:is(.dismissed, .withheld) {
        inline-size: 13%;
      }

      th button.bare {
        min-block-size: 28px;
        padding: 2px 8px;
        font-size: 0.75rem;
        font-weight: 600;
      }

      th[aria-sort] button.bare {
        color: var(--ink);
      }

      td {
        padding: 8px 10px;
        border-block-end: 1px solid var(--line);
        text-align: end;
        vertical-align: top;
      }

      tr:last-child td {
        border-block-end: 0;
      }

      td.title {
        text-align: start;
      }

      td.title strong {
        display: block;
        font-weight: 600;
      }

      td .more {
        display: block;
        color: var(--muted);
        font-size: 0.75rem;
      }

      td.none {
        color: var(--muted);
      }

      .title .small {
        overflow-wrap: anywhere;
      }

      @media (max-width: 860px) {
        table,
        tbody {
          display: block;
        }

        table {
          border: 0;
          background: none;
        }

        thead tr {
          display: flex;
          flex-wrap: wrap;
          gap: 2px;
        }

        thead {
          display: block;
          margin-block-end: 6px;
        }

        th:nth-child(n) {
          inline-size: auto;
          padding: 0;
          border: 0;
        }

        tbody tr {
          display: grid;
          grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr));
          gap: 6px 14px;
          margin-block-end: 8px;
          padding: 10px 12px;
          border: 1px solid var(--line);
          border-radius: var(--radius);
          background: var(--surface);
        }

        td {
          padding: 0;
          border: 0;
          text-align: start;
        }

        td.title {
          grid-column: 1 / -1;
        }

        td.none {
          display: none;
        }

        td[data-label]::before {
          content: attr(data-label) " ";
          color: var(--muted);
          font-size: 0.75rem;
        }
      }
    `,
  ];
}

function number(label: string, value: number, more = "") {
  return html`<td role="cell" class="numbers ${value ? "" : "none"}" data-label=${label}>
    ${value.toLocaleString("en")}${more && value ? html`<span class="more">${more}</span>` : nothing}
  </td>`;
}

function share(part: number, whole: number): string {
  return whole ? `${Math.round((100 * part) / whole)} %` : "";
}

function reasons(counts: Record<string, number>, words: Readonly<Record<string, string>>): string {
  return reasonsOf(counts)
    .map(([reason, count]) => `${count} ${words[reason] ?? reason}`)
    .join(", ");
}

function span({ since, until }: Outcomes): string {
  const [from, to] = [dayWords(since), dayWords(until)];
  return from === to ? `of ${from}` : `from ${from} to ${to}`;
}
