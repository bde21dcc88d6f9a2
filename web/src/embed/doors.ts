// The way to the server from another page.

import type { Doors } from "../connection";
import type { Embeddable } from "../outside";
import { remoteDoors } from "../remote";

/** Where the element names no server, it is where the module came from: beside the folder that the module is in. */
export function serverOf(named: string, module: string): string {
  return named || new URL("..", module).href;
}

export function embeddedDoors(host: Embeddable): Doors {
  return remoteDoors(
    () => serverOf(host.server, import.meta.url),
    () => host.ticket?.(),
  );
}
