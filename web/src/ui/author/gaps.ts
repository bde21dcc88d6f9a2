// What customers asked that no article answered, in groups, the largest first.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Gap, Gaps } from "../../protocol";
import { clockWords } from "../../words";
import { base } from "../styles";
import { counted, look } from "./look";

/** Groups that are shown at once; the rest follows on request. */
const AT_ONCE = 30;

@customElement("rtig-author-gaps")
export class GapsView extends LitElement {
  @property({ attribute: false }) gaps: Gaps | null = null;
  @state() private all = false;

  override render() {
    const { gaps } = this;
    if (!gaps) {
      return html`<p class="muted" data-testid="no-gaps">
        What customers asked in recorded calls while no article came, put into groups. The words are those of the log, with
        personal data masked as there; each call whose words you read here is noted in the audit trail, like one that is
        watched.
      </p>`;
    }
    if (!gaps.calls) return html`<p class="muted" data-testid="no-calls">No calls have been recorded yet.</p>`;
    const many = gaps.groups.filter((one) => one.count > 1);
    const alone = gaps.groups.filter((one) => one.count === 1);
    const shown = this.all ? gaps.groups : [...many, ...alone].slice(0, AT_ONCE);
    return html`<div class="stack">
      <p data-testid="gaps-told">
        ${counted(gaps.unanswered, "question")} of ${gaps.asked.toLocaleString("en")} in ${counted(gaps.calls, "call")} had
        no article. ${counted(many.length, "group")} by what ${gaps.meaning ? "they mean" : "words they share"},
        ${alone.length.toLocaleString("en")} alone.
      </p>
      ${
        gaps.groups.length
          ? html`<ol class="stack">
              ${shown.map((gap) => group(gap))}
            </ol>`
          : html`<p class="muted panel" data-testid="no-groups">Every question had an article.</p>`
      }
      ${
        shown.length < gaps.groups.length
          ? html`<div>
              <button type="button" data-testid="all-gaps" @click=${() => (this.all = true)}>
                Show all ${gaps.groups.length.toLocaleString("en")}
              </button>
            </div>`
          : nothing
      }
    </div>`;
  }

  static override styles = [
    base,
    look,
    css`
      .head {
        display: flex;
        flex-wrap: wrap;
        gap: 2px 12px;
        align-items: baseline;
      }

      .count {
        color: var(--accent);
        font-weight: 650;
      }

      blockquote {
        margin: 4px 0 0;
        padding-inline-start: 10px;
        border-inline-start: 3px solid var(--line);
        overflow-wrap: anywhere;
      }

      .nearest {
        margin-block-start: 8px;
      }
    `,
  ];
}

function group(gap: Gap) {
  const [first, ...others] = gap.examples;
  return html`<li class="panel" data-testid="gap">
    <div class="head">
      <h3>“${first?.text}”</h3>
      <span class="count small"
        >${gap.count === 1 ? "asked once" : `asked ${gap.count.toLocaleString("en")} times in ${counted(gap.calls, "call")}`}</span
      >
    </div>
    ${first ? where(first) : nothing}
    ${others.map((one) => html`<blockquote>“${one.text}” ${where(one)}</blockquote>`)}
    <p class="nearest small">
      ${
        gap.nearest
          ? html`<span class="muted">Nearest article:</span> ${gap.nearest.title} <code>${gap.nearest.id}</code>`
          : html`<span class="muted">No article is near.</span>`
      }
    </p>
  </li>`;
}

function where({ call_id, at_ms }: Gap["examples"][number]) {
  return html`<span class="small muted">call <code>${call_id}</code>, ${clockWords(at_ms)}</span>`;
}
