// Checklists, whose steps tick themselves when they are said.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { inOrder, unfolded } from "../agenda";
import type { Checklist } from "../protocol";
import { Seek } from "./quotes";
import { tick } from "./shapes";
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
      <ul>
        ${list.steps.map((step) => {
          const words = step.words[0];
          return html`<li class=${step.done ? "done" : ""} data-testid="checklist-step" data-done=${step.done}>
            ${tick(step.done)}<span class="unseen">${step.done ? "Done: " : "To do: "}</span>
            <span class="text" dir="auto">${step.text}</span>
            ${
              step.done && words
                ? html`<button
                    type="button"
                    class="quote small"
                    title="Show in the transcript: “${words.text}”"
                    @click=${(event: Event) => event.currentTarget?.dispatchEvent(new Seek(words))}
                  >
                    said<span class="unseen"> “${words.text}”, show in the transcript</span>
                  </button>`
                : nothing
            }
          </li>`;
        })}
      </ul>
    </details>`;
  }

  static override styles = [
    base,
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

      ul {
        display: grid;
        gap: 5px;
        margin-block-start: 8px;
        font-size: 0.875rem;
      }

      li {
        display: flex;
        align-items: baseline;
        gap: 8px;
      }

      .shape {
        position: relative;
        inset-block-start: 2px;
        color: var(--edge);
      }

      .done .shape {
        color: var(--calm);
      }

      .done .text {
        color: var(--muted);
      }

      .text {
        flex: 1;
      }

      h3,
      .text {
        min-inline-size: 0;
        overflow-wrap: anywhere;
      }

      summary .numbers,
      .quote {
        flex: none;
      }
    `,
  ];
}
