// The list of shortcuts, and the switch that turns them off.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query } from "lit/decorators.js";
import { keyOf, type Shortcut, SHORTCUTS } from "../shortcuts";
import { base } from "./styles";

/** Whether single keys are to be heard. */
export class SwitchKeys extends Event {
  readonly on: boolean;

  constructor(on: boolean) {
    super("rtig-switch-keys", { bubbles: true, composed: true });
    this.on = on;
  }
}

@customElement("rtig-keys")
export class KeysView extends LitElement {
  @property({ type: Boolean }) on = true;
  @query("dialog") private dialog!: HTMLDialogElement;

  get open(): boolean {
    return this.dialog.open;
  }

  toggle = (): void => {
    if (this.open) this.dialog.close();
    else this.dialog.showModal();
  };

  override render() {
    return html`<button
        type="button"
        class="bare"
        aria-label="Keyboard shortcuts"
        aria-haspopup="dialog"
        aria-keyshortcuts=${this.on ? keyOf("list") : nothing}
        title="Keyboard shortcuts"
        data-testid="keys-open"
        @click=${this.toggle}
      >
        <span aria-hidden="true">?</span>
      </button>
      <dialog aria-labelledby="heading" data-testid="keys" @click=${this.#beside}>
        <div>
          <div class="top">
            <h2 id="heading">Keyboard shortcuts</h2>
            <button type="button" class="bare" data-testid="keys-close" @click=${this.toggle}>Close</button>
          </div>
          <label>
            <input type="checkbox" .checked=${this.on} data-testid="keys-on" @change=${this.#switch} />
            Use single keys
          </label>
          <div class=${this.on ? "" : "muted"}>
            <h3>The card on top</h3>
            ${list("card")}
            <h3>The sidebar</h3>
            ${list("page")}
          </div>
          <dl>
            <dt><kbd>Alt</kbd> <kbd>H</kbd></dt>
            <dd>Ask for help</dd>
          </dl>
          <p class="muted small">Not while you type, nor together with Ctrl, Alt or ⌘. Esc and Alt H work in any case.</p>
        </div>
      </dialog>`;
  }

  #switch = (event: Event) => this.dispatchEvent(new SwitchKeys((event.target as HTMLInputElement).checked));

  /** All of the dialog is covered by what is in it: a click on itself is one beside it. */
  #beside = (event: Event) => event.target === this.dialog && this.dialog.close();

  static override styles = [
    base,
    css`
      button[aria-haspopup] {
        inline-size: 32px;
        padding: 0;
        border-color: var(--line);
        font-weight: 650;
      }

      dialog {
        inline-size: min(23rem, calc(100vw - 24px));
        max-block-size: calc(100vh - 24px);
        padding: 0;
        border: 1px solid var(--edge);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
        overflow-y: auto;
      }

      dialog::backdrop {
        background: rgb(10 16 24 / 35%);
      }

      dialog > div {
        display: grid;
        gap: 10px;
        padding: 12px 16px 14px;
      }

      .top {
        display: flex;
        align-items: center;
        justify-content: space-between;
      }

      h2 {
        color: var(--ink);
        font-size: 1rem;
      }

      h3 {
        margin-block: 8px 4px;
        font-size: 0.8125rem;
        font-weight: 600;
      }

      label {
        display: flex;
        align-items: center;
        gap: 8px;
        min-block-size: 28px;
        cursor: pointer;
      }

      input {
        inline-size: 18px;
        block-size: 18px;
        margin: 0;
        accent-color: var(--accent);
      }

      dl {
        display: grid;
        grid-template-columns: minmax(2.8rem, auto) minmax(0, 1fr);
        gap: 4px 10px;
        margin: 0;
        font-size: 0.875rem;
      }

      dd {
        margin: 0;
      }

      kbd {
        display: inline-block;
        min-inline-size: 1.7em;
        padding: 0 6px;
        border: 1px solid var(--edge);
        border-radius: 5px;
        font: inherit;
        font-weight: 600;
        text-align: center;
      }
    `,
  ];
}

function list(of: Shortcut["of"]) {
  return html`<dl>
    ${SHORTCUTS.filter((shortcut) => shortcut.of === of && shortcut.words).map(
      ({ key, words }) =>
        html`<dt><kbd>${key === "Escape" ? "Esc" : key}</kbd></dt>
          <dd>${words}</dd>`,
    )}
  </dl>`;
}
