// The form for the access key, shown when the address brought none or the server does not take it.

import { css, html, LitElement, nothing } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { pastedKey } from "../key";
import { base } from "./styles";

export class SignIn extends Event {
  readonly key: string;
  /** Empty where none is asked for, or given. */
  readonly person: string;

  constructor(key: string, person: string) {
    super("rtig-sign-in", { bubbles: true, composed: true });
    this.key = key;
    this.person = person;
  }
}

@customElement("rtig-sign-in")
export class SignInView extends LitElement {
  @property({ attribute: false }) heading = "";
  @property({ attribute: false }) problem = "";
  /** Ask for a name too, which others will see. */
  @property({ attribute: false }) named = false;
  @state() private empty = false;
  @query("#key") private input!: HTMLInputElement;
  @query("#person") private person!: HTMLInputElement | null;

  override render() {
    const problem = this.empty ? "Paste the key first." : this.problem;
    return html`<main>
      <form data-testid="sign-in" novalidate @submit=${this.#submit}>
        <h1>${this.heading}</h1>
        <p id="how" class="muted">
          Paste your access key, or the whole address that rtig printed when it started. It stays in this tab and is
          forgotten when you close it.
        </p>
        <label for="key">Access key</label>
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck="false"
          aria-describedby="how problem"
          aria-invalid=${Boolean(problem)}
        />
        <p id="problem" role="alert">${problem || nothing}</p>
        ${
          this.named
            ? html`<label for="person">Your name <span class="muted">(others see it beside what you take on)</span></label>
                <input id="person" autocomplete="name" maxlength="128" spellcheck="false" data-testid="person" />`
            : nothing
        }
        <button type="submit" class="main">Sign in</button>
      </form>
    </main>`;
  }

  #submit = (event: Event) => {
    event.preventDefault();
    const key = pastedKey(this.input.value);
    this.empty = !key;
    if (!key) {
      this.input.focus();
      return;
    }
    this.input.value = "";
    this.dispatchEvent(new SignIn(key, this.person?.value.trim() ?? ""));
  };

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        place-items: center;
        min-block-size: 100%;
        padding: 16px;
      }

      main {
        inline-size: min(100%, 24rem);
      }

      form {
        display: grid;
        gap: 10px;
        padding: 24px;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        box-shadow: var(--shadow);
      }

      h1 {
        font-size: 1.125rem;
      }

      label {
        font-weight: 600;
      }

      label .muted {
        font-weight: 400;
      }

      input {
        min-block-size: 38px;
        padding: 4px 10px;
        border: 1px solid var(--edge);
        border-radius: 7px;
        background: var(--ground);
      }

      input[aria-invalid="true"] {
        border-color: var(--critical);
      }

      #problem {
        color: var(--critical);
        font-size: 0.875rem;
      }

      #problem:empty {
        display: none;
      }

      button {
        min-block-size: 38px;
      }
    `,
  ];
}
