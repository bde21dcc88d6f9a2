// Steps that tick themselves: of a checklist, and of an article behind its card.

import { css, html, nothing, type TemplateResult } from "lit";
import type { Step } from "../protocol";
import { Seek } from "./quotes";
import { tick } from "./shapes";

/** One step as the item of a list, which says how it is told apart while it is not done: a ring, or its number. */
export function stepItem(step: Pick<Step, "text" | "done" | "words">, undone: unknown = tick(false)): TemplateResult {
  const words = step.words?.[0];
  return html`<li class=${step.done ? "done" : ""} dir="auto" data-testid="step" data-done=${Boolean(step.done)}>
    <span class="sign">${step.done ? tick(true) : undone}</span>
    <span class="unseen" dir="ltr">${step.done ? "Done: " : "To do: "}</span>
    <span class="text">${step.text}</span>
    ${
      step.done && words
        ? html`<button
            type="button"
            class="quote small"
            dir="ltr"
            title="Show in the transcript: “${words.text}”"
            @click=${(event: Event) => event.currentTarget?.dispatchEvent(new Seek(words))}
          >
            said<span class="unseen"> “${words.text}”, show in the transcript</span>
          </button>`
        : nothing
    }
  </li>`;
}

export const stepStyles = css`
  .steps {
    display: grid;
    gap: 5px;
    padding: 0;
    list-style: none;
  }

  .steps li {
    display: flex;
    align-items: baseline;
    gap: 8px;
  }

  .steps .sign {
    flex: none;
    inline-size: 1.1em;
    color: var(--muted);
    text-align: center;
  }

  .steps .shape {
    position: relative;
    inset-block-start: 2px;
    color: var(--edge);
  }

  .steps .done .shape {
    color: var(--calm);
  }

  .steps .done .text {
    color: var(--muted);
  }

  .steps .text {
    flex: 1;
    min-inline-size: 0;
    overflow-wrap: anywhere;
  }

  .steps .quote {
    flex: none;
  }
`;
