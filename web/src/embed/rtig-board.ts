// The module for other people's pages: `<rtig-board>`.

export { BoardPage as RtigBoard } from "../board";
export type { RtigEvents } from "../outside";
export type { TicketSource } from "../remote";
