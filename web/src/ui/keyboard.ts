// Hears keys for the sidebar: on the whole page where that is its own, else only where the focus is inside it.

import type { ReactiveController, ReactiveControllerHost } from "lit";
import { type Act, actOf, keepShortcuts, shortcutsOn, typing } from "../shortcuts";
import { local } from "../storage";

interface Host extends ReactiveControllerHost, HTMLElement {
  readonly alone: boolean;
  /** False where there is nothing to do; the key is then left to others. */
  act(act: Act): boolean;
}

export class Keyboard implements ReactiveController {
  on = shortcutsOn(local);

  #host: Host;
  #ground: EventTarget | null = null;

  constructor(host: Host) {
    this.#host = host;
    host.addController(this);
  }

  hostConnected(): void {
    this.#ground = this.#host.alone ? document : this.#host;
    this.#ground.addEventListener("keydown", this.#press);
  }

  hostDisconnected(): void {
    this.#ground?.removeEventListener("keydown", this.#press);
  }

  switch(on: boolean): void {
    this.on = on;
    keepShortcuts(on, local);
    this.#host.requestUpdate();
  }

  #press = (event: Event) => {
    const stroke = event as KeyboardEvent;
    if (!document.hasFocus()) return;
    const act = actOf(stroke, { typing: typing(stroke.composedPath()[0]), on: this.on });
    if (act && this.#host.act(act)) stroke.preventDefault();
  };
}
