// The module for other people's pages: `<rtig-sidebar>`.

export { AgentPage as RtigSidebar } from "../agent";
export type { RtigEvents } from "../outside";
export type { TicketSource } from "../remote";
