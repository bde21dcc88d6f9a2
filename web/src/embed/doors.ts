// The way to the server from another page: sockets straight to it, tickets from that page's own server.

import { browserDoors, type Doors, type SocketLike } from "../connection";
import type { Embeddable } from "../outside";

/** `wss://rtig.example/desk` -> `wss://rtig.example/desk/ws`; without one, beside the folder that the module is in. */
export function socketAddress(server: string, module: string): URL {
  const base = server ? server.replace(/\/*$/, "/") : new URL("../", module).href;
  const address = new URL("ws", base);
  address.protocol = address.protocol.replace(/^http/, "ws");
  address.hash = address.search = "";
  return address;
}

export function embeddedDoors(host: Embeddable): Doors {
  return {
    ...browserDoors(),
    fetch: async () => {
      const ticket = await host.ticket?.();
      if (!ticket) throw new Error("The page gave no ticket.");
      return { ok: true, status: 200, headers: new Headers(), json: () => Promise.resolve({ ticket }) };
    },
    open: (_, protocols) =>
      new WebSocket(socketAddress(host.server, import.meta.url), protocols) as unknown as SocketLike,
  };
}
