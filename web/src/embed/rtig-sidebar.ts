// The module for other people's pages: `<rtig-sidebar>`.

export { Sidebar as RtigSidebar } from "../sidebar";
export type { RtigEvents, TicketSource } from "../outside";
