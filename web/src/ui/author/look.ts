// What the views of the authors' page have in common: panels, facts, code, and numbers in words.

import { css, html, nothing } from "lit";
import type { Finding, RuleLine } from "../../protocol";

export const look = css`
  :host {
    display: block;
  }

  h3 {
    font-size: 1rem;
    font-weight: 600;
    overflow-wrap: anywhere;
  }

  section,
  .panel {
    padding: 14px 16px;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--surface);
  }

  section > h2 {
    margin-block-end: 8px;
    color: var(--ink);
    font-size: 1rem;
    font-weight: 650;
  }

  code {
    padding: 0 4px;
    border-radius: 4px;
    background: var(--ground);
    font-size: 0.8125rem;
    overflow-wrap: anywhere;
  }

  mark {
    padding: 0 2px;
    border-radius: 3px;
    background: var(--mark);
    color: inherit;
  }

  label {
    font-size: 0.8125rem;
    font-weight: 600;
  }

  input:not([type="checkbox"], [type="radio"]),
  select,
  textarea {
    min-block-size: 34px;
    max-inline-size: 100%;
    padding: 4px 10px;
    border: 1px solid var(--edge);
    border-radius: 7px;
    background: var(--ground);
    color: inherit;
    font: inherit;
    font-size: 0.875rem;
  }

  input::placeholder,
  textarea::placeholder {
    color: var(--muted);
    opacity: 1;
  }

  .badge {
    padding: 1px 8px;
    border: 1px solid var(--line);
    border-radius: 20px;
    color: var(--muted);
    font-size: 0.75rem;
    font-weight: 600;
    white-space: nowrap;
  }

  .problem {
    color: var(--critical);
  }

  .findings {
    display: grid;
    gap: 2px;
    margin-block-start: 8px;
  }

  .findings li {
    padding: 8px 0;
    border-block-start: 1px solid var(--line);
  }

  .findings .where {
    font-weight: 600;
  }

  .stack {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 12px;
  }

  .bar {
    display: block;
    inline-size: 100%;
    block-size: 5px;
    border-radius: 3px;
  }

  .rail {
    fill: var(--line);
  }

  .fill {
    fill: var(--accent);
  }

  @media (forced-colors: active) {
    .fill {
      fill: CanvasText;
    }

    .rail {
      fill: Canvas;
      stroke: CanvasText;
    }

    mark {
      outline: 1px solid CanvasText;
    }
  }
`;

export const RULE_KIND: Record<RuleLine["kind"], string> = {
  article: "Article",
  coach: "Tip",
  checklist: "Checklist",
  alert: "Alert",
  supervisors: "For supervisors",
};

export function counted(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** 10:31, or the day as well where that is another one. */
export function whenWords(unixMs: number, now = new Date()): string {
  const at = new Date(unixMs);
  const time = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return at.toDateString() === now.toDateString() ? time : `${dayWords(unixMs)}, ${time}`;
}

export function dayWords(unixMs: number): string {
  return new Date(unixMs).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

/** What tools say behind a place in a file, as a sentence of its own. */
export function sentence(words: string): string {
  const capital = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.?!]$/.test(capital) ? capital : `${capital}.`;
}

/** What stands between backticks is set as code. */
export function inCode(text: string) {
  return text.split("`").map((part, at) => (at % 2 ? html`<code>${part}</code>` : part));
}

export function findings(found: readonly Finding[]) {
  return html`<ul class="findings">
    ${found.map(
      (one) => html`<li data-testid="finding" data-severity=${one.severity}>
        <p><code class="where">${one.line ? `${one.path}:${one.line}:${one.column}` : one.path}</code></p>
        <p>${inCode(sentence(one.problem))}</p>
        ${one.mend ? html`<p class="muted">${inCode(sentence(one.mend))}</p>` : nothing}
      </li>`,
    )}
  </ul>`;
}
