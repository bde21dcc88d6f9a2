// The way to a server that is not this page's own: sockets straight to it, tickets from whoever has the key.

import { browserDoors, type Doors, type SocketLike } from "./connection";

/** Gets a single-use ticket; asked anew for each connection. */
export type TicketSource = () => string | Promise<string>;

/** `wss://rtig.example/desk` -> `wss://rtig.example/desk/ws` */
export function socketAddress(server: string): URL {
  const address = new URL("ws", server.replace(/\/*$/, "/"));
  address.protocol = address.protocol.replace(/^http/, "ws");
  address.hash = address.search = "";
  return address;
}

/** Both are asked at each connecting, so they may change. */
export function remoteDoors(server: () => string, ticket: () => ReturnType<TicketSource> | undefined): Doors {
  return {
    ...browserDoors(),
    fetch: async () => {
      const given = await ticket();
      if (!given) throw new Error("There was no ticket.");
      return { ok: true, status: 200, headers: new Headers(), json: () => Promise.resolve({ ticket: given }) };
    },
    open: (_, protocols) => new WebSocket(socketAddress(server()), protocols) as unknown as SocketLike,
  };
}
