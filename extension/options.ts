// The options: where the server is, whose desk this is, and the key, tried before they are kept.

import { read, refusalWords, serverAddress, ticket, write } from "./settings";

const form = document.querySelector("form")!;
const status = document.querySelector<HTMLElement>("#status")!;
const field = (id: string) => document.querySelector<HTMLInputElement>(`#${id}`)!;
const [server, agent, key, kept] = [field("server"), field("agent"), field("key"), field("kept")];

function say(words: string, wrong: boolean, at?: HTMLInputElement): void {
  status.textContent = words;
  status.className = wrong ? "wrong" : "right";
  for (const input of [server, key]) input.setAttribute("aria-invalid", String(input === at));
  at?.focus();
}

async function save(): Promise<void> {
  const address = serverAddress(server.value);
  if (!address) {
    return say("The address must begin with https://. Only a server on this computer may have http://.", true, server);
  }
  if (!key.value.trim()) return say("Paste the access key first.", true, key);
  const settings = { server: address, agent: agent.value.trim(), key: key.value.trim(), kept: kept.checked };
  say("Trying the key…", false);
  try {
    await ticket(settings);
  } catch (error) {
    return say(`Not saved. ${refusalWords(error)}`, true);
  }
  await write(settings);
  server.value = address;
  say("Saved. Open the side panel with the extension's button.", false);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void save();
});
document.querySelector("#origin")!.textContent = location.origin;
void read().then((settings) => {
  server.value = settings.server;
  agent.value = settings.agent;
  key.value = settings.key;
  kept.checked = settings.kept;
});
