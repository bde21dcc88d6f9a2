// The strip at the foot of a page: how the connection is, and what a person can do about it. Always the same height,
// so that losing the connection moves nothing.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property } from "lit/decorators.js";
import type { Status } from "../connection";
import type { LaneIs } from "../protocol";
import { codeWords, LANE_WORD, lostWords } from "../words";
import { base } from "./styles";

/** What the person wants: `retry` now, `sign-out`. */
export class Wish extends Event {
  readonly what: "retry" | "sign-out";

  constructor(what: Wish["what"]) {
    super("rtig-wish", { bubbles: true, composed: true });
    this.what = what;
  }
}

@customElement("rtig-status")
export class StatusView extends LitElement {
  @property({ attribute: false }) status: Status = { phase: "idle" };
  /** A sentence about something that did not work, for a while. */
  @property({ attribute: false }) notice = "";
  @property({ attribute: false }) who = "";
  /** Whether utterances are understood by a model now. */
  @property({ attribute: false }) lane: LaneIs["state"] = "on";

  override render() {
    const { status } = this;
    const down = status.phase === "lost" || status.phase === "stopped";
    const words =
      status.phase === "lost"
        ? lostWords(status.code)
        : status.phase === "stopped"
          ? codeWords(status.code, status.message)
          : this.notice;
    const live = status.phase === "live";
    const who = this.who ? html`<span class="who"> · ${this.who}</span>` : nothing;
    const quiet = live ? html`Connected${who}` : "Connecting…";
    const lane = live ? LANE_WORD[this.lane] : "";
    const look = down ? `down ${status.phase}` : this.notice ? "notice" : "";
    return html`<footer class="strip small ${look}">
      <span class="dot" aria-hidden="true"></span>
      <span class="words ${words ? "" : "clip"} ${lane ? "both" : ""}" role="status"
        >${
          words
            ? html`<span data-testid="banner" data-phase=${status.phase}>${words}</span>`
            : html`<span data-testid="connected">${quiet}</span
                >${lane ? html`<span data-testid="lane" title="Cards come from the words alone now."> · ${lane}</span>` : nothing}`
        }</span
      >
      ${
        down
          ? html`<button type="button" class="bare" @click=${() => this.#again(status)}>
              ${status.phase === "lost" ? "Try now" : reload(status) ? "Reload" : "Try again"}
            </button>`
          : nothing
      }
      ${
        status.phase === "lost" || __EMBEDDED__
          ? nothing
          : html`<button
              type="button"
              class="bare"
              data-testid="sign-out"
              @click=${() => this.dispatchEvent(new Wish("sign-out"))}
            >
              Sign out
            </button>`
      }
    </footer>`;
  }

  #again(status: Status): void {
    if (reload(status)) location.reload();
    else this.dispatchEvent(new Wish("retry"));
  }

  static override styles = [
    base,
    css`
      .strip {
        display: flex;
        align-items: center;
        gap: 8px;
        min-block-size: 34px;
        padding: 2px 6px 2px 14px;
        border-block-start: 1px solid var(--line);
        background: var(--ground);
        color: var(--muted);
        transition: background-color 300ms;
      }

      .dot {
        flex: none;
        inline-size: 8px;
        block-size: 8px;
        border-radius: 50%;
        background: var(--calm);
      }

      .words {
        flex: 1;
      }

      /* What a person has to read and act on gets the whole width. */
      .stopped {
        flex-wrap: wrap;
        padding-block: 6px;
      }

      .stopped .words {
        flex: 1 1 min(34rem, 100% - 16px);
      }

      /* Agents know who they are; that only words are read they may not. */
      @media (max-width: 359px) {
        .both .who {
          display: none;
        }
      }

      .down,
      .notice {
        background: var(--tense-soft);
        color: var(--tense);
        font-weight: 550;
      }

      .down .dot,
      .notice .dot {
        border-radius: 0;
        background: var(--tense);
        transform: rotate(45deg);
      }

      button.bare {
        min-block-size: 28px;
        padding: 2px 8px;
        font-size: 0.8125rem;
      }

      .down button.bare,
      .notice button.bare {
        color: inherit;
        text-decoration: underline;
      }

      @media (forced-colors: active) {
        .dot {
          background: CanvasText;
        }

        .down {
          border: 2px solid Highlight;
        }
      }
    `,
  ];
}

/** Only a newer page helps. */
function reload(status: Status): boolean {
  return status.phase === "stopped" && (status.code === "bad_protocol" || status.code === "unknown_role");
}
