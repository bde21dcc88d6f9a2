// The customer's other calls: what was told of them, what is still to be asked for, and how it is said in words.

import type { AskBrief, AskHistory, Brief, Contact, History, ServerMessage } from "./protocol";
import { BAND_WORD } from "./words";

export class Histories {
  #send: (message: AskHistory | AskBrief) => unknown;
  #of = new Map<string, History>();
  #briefs = new Map<string, Brief>();

  constructor(send: (message: AskHistory | AskBrief) => unknown) {
    this.#send = send;
  }

  of(callId: string): History | undefined {
    return this.#of.get(callId);
  }

  brief(contactId: string): Brief | undefined {
    return this.#briefs.get(contactId);
  }

  /** The call is on screen: its history is asked for, once. */
  ask(callId: string): void {
    if (!this.#of.has(callId)) this.#send({ type: "ask_history", call_id: callId });
  }

  askBrief(contactId: string): void {
    if (!this.#briefs.has(contactId)) this.#send({ type: "ask_brief", call_id: contactId });
  }

  take(message: ServerMessage): void {
    if (message.type === "history") {
      this.#of.set(message.call_id, message);
      if (message.brief) this.#briefs.set(message.brief.call_id, message.brief);
    } else if (message.type === "brief" && this.#names(message.brief.call_id)) {
      this.#briefs.set(message.brief.call_id, message.brief);
    }
  }

  /** Only these calls are on screen: what is of others goes. */
  keep(callIds: readonly string[]): void {
    for (const id of this.#of.keys()) if (!callIds.includes(id)) this.#of.delete(id);
    for (const id of this.#briefs.keys()) if (!this.#names(id)) this.#briefs.delete(id);
  }

  #names(contactId: string): boolean {
    return [...this.#of.values()].some((told) => told.contacts.some((contact) => contact.call_id === contactId));
  }
}

/** Where it was, and how it went. */
export function whereWords(contact: Contact): string {
  return [contact.channel === "chat" ? "Chat" : "Voice", contact.queue, contact.agent].filter(Boolean).join(" · ");
}

export function endWords({ state, reason, band, because }: Contact): string {
  const mood = `${BAND_WORD[band]}${because ? `: ${because}` : ""}`;
  const how = state === "live" ? "Going on" : { transferred: "Transferred", abandoned: "Lost" }[reason as string];
  return how ? `${how} · ${mood}` : mood;
}
