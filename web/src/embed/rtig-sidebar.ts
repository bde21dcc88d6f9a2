// The module for other people's pages: `<rtig-sidebar>`.

export { Sidebar as RtigSidebar } from "../sidebar";
export type { RtigEvents } from "../outside";
export type { TicketSource } from "../remote";
