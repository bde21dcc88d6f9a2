// Checklists, whose steps tick themselves when they are said.

import { css, html, LitElement } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { inOrder, unfolded } from "../agenda";
import type { Checklist } from "../protocol";
import { stepItem, stepStyles } from "./steps";
import { base } from "./styles";

@customElement("rtig-checklists")
export class ChecklistsView extends LitElement {
  @property({ attribute: false }) lists: readonly Checklist[] = [];

  override render() {
    return repeat(
      inOrder(this.lists),
      (list) => `${list.call_id} ${list.id}`,
      (list) => this.#list(list),
    );
  }

  #list(list: Checklist) {
    const done = list.steps.filter((step) => step.done).length;
    return html`<details
      ?open=${unfolded(list, this.lists)}
      data-testid="checklist"
      data-checklist-id=${list.id}
    >
      <summary>
        <h3 dir="auto">${list.title}</h3>
        <span class="small muted numbers">${done} of ${list.steps.length}</span>
      </summary>
      <ul class="steps">
        ${list.steps.map((step) => stepItem(step))}
      </ul>
    </details>`;
  }

  static override styles = [
    base,
    stepStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 10px;
      }

      details {
        padding: 10px 14px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }

      summary {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
        gap: 8px;
        list-style: none;
      }

      summary::-webkit-details-marker {
        display: none;
      }

      summary h3 {
        font-size: 0.875rem;
        font-weight: 600;
      }

      h3::before {
        content: "▸ ";
        color: var(--muted);
      }

      details[open] h3::before {
        content: "▾ ";
      }

      .steps {
        margin-block-start: 8px;
        font-size: 0.875rem;
      }

      h3 {
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }

      summary .numbers {
        flex: none;
      }
    `,
  ];
}
