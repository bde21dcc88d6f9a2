// The state of the playbook: what is in use, and what is wrong or odd in the folder, with its place and how to mend it.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Knowledge } from "../../protocol";
import { base } from "../styles";
import { counted, findings, look, whenWords } from "./look";

@customElement("rtig-author-state")
export class StateView extends LitElement {
  @property({ attribute: false }) knowledge: Knowledge | null = null;

  override render() {
    const { knowledge } = this;
    if (!knowledge) return html`<p class="muted" data-testid="waiting">Waiting for the server.</p>`;
    return html`<div class="stack">
      ${knowledge.errors.length ? this.#errors(knowledge) : nothing}
      <section aria-labelledby="use">
        <h2 id="use">In use</h2>
        <dl>
          ${fact("Name", knowledge.name)} ${fact("Version", html`<code data-testid="version">${knowledge.version}</code>`)}
          ${fact("Loaded", html`<time>${whenWords(knowledge.loaded_at)}</time>`)}
          ${fact("Articles", knowledge.articles.toLocaleString("en"))}
          ${fact("Triggers", knowledge.triggers.toLocaleString("en"))}
          ${knowledge.drafts ? fact("Drafts among them", knowledge.drafts.toLocaleString("en")) : nothing}
        </dl>
        <p class="muted small">
          ${
            knowledge.follows
              ? "A change of any file is in use within seconds, for calls that go on too; a file with a mistake never is."
              : "This server does not follow the folder: changes are in use when it is started again."
          }
        </p>
      </section>
      ${knowledge.errors.length ? nothing : this.#lint(knowledge)}
    </div>`;
  }

  #errors(knowledge: Knowledge) {
    return html`<section class="errors" aria-labelledby="errors" data-testid="errors">
      <h2 id="errors">${counted(knowledge.errors.length, "mistake")} in the folder</h2>
      <p>What was loaded at ${whenWords(knowledge.loaded_at)} stays in use until the folder can be read again.</p>
      ${findings(knowledge.errors)}
    </section>`;
  }

  #lint(knowledge: Knowledge) {
    const found = knowledge.findings.length;
    const fresh = knowledge.linting ? " · looking for more…" : "";
    return html`<section aria-labelledby="lint" data-testid="lint" data-linting=${knowledge.linting}>
      <h2 id="lint">Lint</h2>
      ${
        found
          ? html`<p class="muted">${counted(found, "remark")} on what is allowed and seldom meant${fresh}</p>
              ${findings(knowledge.findings)}`
          : html`<p class="muted" data-testid="clean">
              ${knowledge.linting ? "Looking through the folder…" : "Nothing odd was found."}
            </p>`
      }
    </section>`;
  }

  static override styles = [
    base,
    look,
    css`
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 6px 28px;
        margin: 0 0 8px;
      }

      dt {
        color: var(--muted);
        font-size: 0.75rem;
      }

      dd {
        margin: 0;
        font-weight: 550;
        overflow-wrap: anywhere;
      }

      .errors {
        border-color: var(--critical);
        border-inline-start-width: 5px;
      }

      .errors > h2 {
        color: var(--critical);
      }
    `,
  ];
}

function fact(name: string, value: unknown) {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}
