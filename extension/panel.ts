// The side panel: the agent's sidebar, and a way to the options until it knows where to go.

import "../web/src/sidebar";
import type { Sidebar } from "../web/src/sidebar";
import { read, refusalWords, ticket } from "./settings";

const sidebar = document.querySelector<Sidebar>("rtig-sidebar")!;
const setup = document.querySelector<HTMLElement>("#setup")!;
const problem = document.querySelector<HTMLElement>("#problem")!;

async function begin(): Promise<void> {
  const settings = await read();
  const ready = Boolean(settings.server && settings.key);
  setup.hidden = ready;
  sidebar.hidden = !ready;
  problem.textContent = "";
  sidebar.server = settings.server;
  sidebar.agent = settings.agent;
  sidebar.ticket = ready
    ? () =>
        ticket(settings).catch((error: unknown) => {
          problem.textContent = refusalWords(error);
          throw error;
        })
    : null;
}

sidebar.addEventListener("rtig-connection", ({ detail }) => {
  if (detail.phase === "live") problem.textContent = "";
});
document.querySelector("#open-options")!.addEventListener("click", () => void chrome.runtime.openOptionsPage());
chrome.storage.onChanged.addListener(() => void begin());
void begin();
