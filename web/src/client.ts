// What `@rtig/client` gives: the parts of the pages that know no component.

export { Alerts, type Kept, keyOf } from "./alerts";
export { Call, type Piece, pieces } from "./call";
export { browserDoors, Connection, type Doors, heedNetwork, type SocketLike, type Status } from "./connection";
export { Desk } from "./desk";
export { Floor } from "./floor";
export { type Deed, freshId, Outbox } from "./outbox";
export * from "./protocol";
export { remoteDoors, socketAddress, type TicketSource } from "./remote";
