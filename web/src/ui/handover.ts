// The hand-over, in the brief: what was left for the next agent, and the place to write it.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { handoverHead, MOST_CHARACTERS } from "../brief";
import type { Call } from "../call";
import { freshId } from "../outbox";
import type { Handover, SendHandover } from "../protocol";
import { copyText } from "./copying";
import { base } from "./styles";

/** The agent leaves something for the next one. */
export class HandoverAct extends Event {
  readonly deed: SendHandover;

  constructor(deed: SendHandover) {
    super("rtig-handover", { bubbles: true, composed: true });
    this.deed = deed;
  }
}

/** A text that was left, with who and when. */
export function leftText(handover: Handover, now: number) {
  return html`<div class="left" data-testid="handover">
    <p class="head">${handoverHead(handover, now)}</p>
    <p class="text">${handover.text.trim()}</p>
  </div>`;
}

export const leftStyles = css`
  .left {
    margin-block: 4px 8px;
    padding: 7px 10px;
    border: 1px solid var(--accent);
    border-radius: 8px;
    background: var(--accent-soft);
    overflow-wrap: anywhere;
  }

  .left .head {
    color: var(--accent);
    font-weight: 600;
  }

  .left .text {
    white-space: pre-line;
  }
`;

@customElement("rtig-handover")
export class HandoverView extends LitElement {
  @property({ attribute: false }) call!: Call;
  @property({ attribute: false }) now = 0;
  /** One is on its way to the server. */
  @property({ type: Boolean }) sending = false;
  @state() private copied = false;
  @query("textarea") private area!: HTMLTextAreaElement | null;

  #written = false;

  override render() {
    const { draft, handover } = this.call;
    return html`<span class="unseen" role="status">${this.sending ? "Sending" : handover ? "Handed over" : ""}</span>
      ${handover ? leftText(handover, this.now) : nothing}
      ${draft === null ? (this.sending ? html`<p class="muted" data-testid="handover-sending">Sending …</p>` : nothing) : this.#editor(draft)}`;
  }

  #editor(draft: string) {
    return html`<form @submit=${this.#send} @keydown=${this.#key}>
      <label for="draft">For whoever has the customer next</label>
      <textarea
        id="draft"
        maxlength=${MOST_CHARACTERS}
        .value=${draft}
        data-testid="handover-draft"
        @input=${this.#input}
      ></textarea>
      <div class="acts">
        <button class="main" ?disabled=${!draft.trim()} data-testid="handover-send">Send</button>
        <button type="button" data-testid="handover-copy" @click=${this.#copy}>${this.copied ? "Copied" : "Copy"}</button>
        <button type="button" class="bare" data-testid="handover-cancel" @click=${this.#cancel}>Cancel</button>
      </div>
    </form>`;
  }

  override updated(): void {
    const writing = this.call.draft !== null;
    if (writing && !this.#written) {
      this.area?.focus();
      this.area?.setSelectionRange(0, 0);
      if (this.area) this.area.scrollTop = 0;
    }
    this.#written = writing;
  }

  #input = () => {
    this.call.draft = this.area?.value ?? "";
    this.requestUpdate();
  };

  #send = (event: Event) => {
    event.preventDefault();
    const text = this.call.draft?.trim();
    if (!text) return;
    this.#over();
    this.dispatchEvent(
      new HandoverAct({ type: "send_handover", call_id: this.call.id, handover_id: freshId(), text }),
    );
  };

  #copy = async () => {
    await copyText(this.area?.value ?? "");
    this.copied = true;
    setTimeout(() => (this.copied = false), 2_000);
  };

  #key = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#send(event);
  };

  #cancel = () => this.#over();

  /** The editor closes; whoever opened it gets the focus back. */
  #over(): void {
    this.call.draft = null;
    this.requestUpdate();
    this.dispatchEvent(new Event("rtig-written", { bubbles: true, composed: true }));
  }

  static override styles = [
    base,
    leftStyles,
    css`
      :host {
        display: block;
        padding-inline-end: 6px;
      }

      form {
        display: grid;
        gap: 6px;
        margin-block: 4px 8px;
      }

      label {
        color: var(--muted);
        font-weight: 600;
      }

      textarea {
        inline-size: 100%;
        block-size: clamp(8rem, 32cqb, 17rem);
        min-block-size: 5rem;
        padding: 6px 8px;
        border: 1px solid var(--edge);
        border-radius: 7px;
        background: var(--ground);
        font-size: 0.875rem;
        line-height: 1.4;
        resize: vertical;
      }

      .acts {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
    `,
  ];
}
