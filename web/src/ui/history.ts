// What the customer has been in touch about before: read before the first word, out of the way once a card needs room.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { endWords, type Histories, whereWords } from "../history";
import type { Contact } from "../protocol";
import { whenWords } from "../words";
import { bandShape } from "./shapes";
import { base } from "./styles";
import "./brief";

@customElement("rtig-history")
export class HistoryView extends LitElement {
  @property({ attribute: false }) histories!: Histories;
  @property({ attribute: false }) callId = "";
  @property({ attribute: false }) now = 0;
  /** Something else needs the room. */
  @property({ type: Boolean }) crowded = false;
  /** What the reader has opened or closed; null while nothing was touched. */
  @state() private open: boolean | null = null;
  /** The contact whose brief is shown; null until the reader has chosen: the newest. */
  @state() private chosen: string | null = null;
  /** Under the pointer nothing folds. */
  @state() private pointed = false;
  #shown = false;

  override render() {
    const contacts = this.histories.of(this.callId)?.contacts ?? [];
    const [newest] = contacts;
    if (!newest) return nothing;
    const open = this.open ?? (!this.crowded || (this.pointed && this.#shown));
    this.#shown = open;
    const chosen = this.chosen ?? newest.call_id;
    return html`<section
      aria-label="Earlier contacts"
      data-testid="history"
      @pointerenter=${() => (this.pointed = true)}
      @pointerleave=${() => (this.pointed = false)}
    >
      <h2>
        <button
          type="button"
          class="bare top"
          aria-expanded=${open}
          data-testid="history-toggle"
          @click=${() => (this.open = !open)}
        >
          <span aria-hidden="true">${open ? "▾" : "▸"}</span> Earlier contacts
          <span class="muted">${contacts.length}</span>
          ${open ? nothing : html`<span class="clip last">${this.#mood(newest)} ${whenWords(newest.started_at, this.now)}</span>`}
        </button>
      </h2>
      ${open ? html`<ul>${contacts.map((contact) => this.#contact(contact, contact.call_id === chosen))}</ul>` : nothing}
    </section>`;
  }

  override updated(): void {
    // Nothing to tell takes no room between its neighbours.
    this.hidden = !this.histories.of(this.callId)?.contacts.length;
  }

  #contact(contact: Contact, open: boolean) {
    const brief = this.histories.brief(contact.call_id);
    return html`<li data-testid="contact" data-call-id=${contact.call_id}>
      <button type="button" class="bare row" aria-expanded=${open} @click=${() => this.#choose(contact, open)}>
        <span class="muted" aria-hidden="true">${open ? "▾" : "▸"}</span>
        <span class="numbers when">${whenWords(contact.started_at, this.now)}</span>
        <span class="muted">${whereWords(contact)}</span>
        <span class="end">${this.#mood(contact)} ${endWords(contact)}</span>
      </button>
      ${
        open
          ? brief
            ? html`<rtig-brief .brief=${brief} .earlier=${true}></rtig-brief>`
            : html`<p class="muted small">Waiting for the server.</p>`
          : nothing
      }
    </li>`;
  }

  #mood(contact: Contact) {
    return html`<span class="tint ${contact.band}">${bandShape(contact.band)}</span>`;
  }

  #choose(contact: Contact, open: boolean): void {
    this.chosen = open ? "" : contact.call_id;
    this.open = true;
    if (!open) this.histories.askBrief(contact.call_id);
  }

  static override styles = [
    base,
    css`
      :host([hidden]) {
        display: none;
      }

      section {
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        overflow: hidden;
      }

      button.top {
        display: flex;
        align-items: center;
        gap: 6px;
        inline-size: 100%;
        padding-inline: 12px;
        color: var(--ink);
        font-weight: 600;
        text-align: start;
      }

      .top .muted,
      .last {
        font-weight: 400;
      }

      .last {
        margin-inline-start: auto;
        color: var(--muted);
      }

      .tint {
        color: var(--mood);
      }

      li {
        padding-inline: 6px;
        border-block-start: 1px solid var(--line);
      }

      button.row {
        display: flex;
        flex-wrap: wrap;
        gap: 0 8px;
        inline-size: 100%;
        padding: 5px 6px;
        color: var(--ink);
        font-size: 0.8125rem;
        text-align: start;
        overflow-wrap: anywhere;
      }

      .when {
        font-weight: 600;
      }

      .end {
        inline-size: 100%;
        padding-inline-start: 1.3rem;
      }

      rtig-brief,
      p.small {
        display: block;
        padding: 0 6px 8px;
      }
    `,
  ];
}
