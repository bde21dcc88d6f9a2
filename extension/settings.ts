// Where the server is, whose desk this is, and the key: kept until the browser closes, or on this computer if so wished.

export interface Settings {
  /** `https://rtig.example`, also with a path. */
  server: string;
  /** Whose calls to show. */
  agent: string;
  key: string;
  /** The key outlives the browser. */
  kept: boolean;
}

const LOOPBACK = new Set(["127.0.0.1", "localhost"]);

export async function read(): Promise<Settings> {
  const [stored, passing] = await Promise.all([
    chrome.storage.local.get(["server", "agent", "key"]),
    chrome.storage.session.get(["key"]),
  ]);
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    server: text(stored["server"]),
    agent: text(stored["agent"]),
    key: text(stored["key"]) || text(passing["key"]),
    kept: Boolean(stored["key"]),
  };
}

export async function write({ server, agent, key, kept }: Settings): Promise<void> {
  await chrome.storage.local.set(kept ? { server, agent, key } : { server, agent });
  if (kept) await chrome.storage.session.remove(["key"]);
  else {
    await chrome.storage.local.remove(["key"]);
    await chrome.storage.session.set({ key });
  }
}

/** What a person wrote as the server's address; empty where a key may not be sent there. */
export function serverAddress(written: string): string {
  const text = written.trim();
  let address: URL;
  try {
    address = new URL(/^[a-z]+:\/\//i.test(text) ? text : `https://${text}`);
  } catch {
    return "";
  }
  const safe = address.protocol === "https:" || (address.protocol === "http:" && LOOPBACK.has(address.hostname));
  if (!safe || !address.hostname) return "";
  // The printed address of a page is as good as the server's own.
  return address.origin + address.pathname.replace(/\/(agent|board)?\/*$/, "");
}

export class TicketRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A ticket for one connection. Throws `TicketRefused` with the server's code, or `TypeError` where none answers. */
export async function ticket({ server, key }: Pick<Settings, "server" | "key">): Promise<string> {
  const answer = await fetch(`${server}/api/ticket`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ role: "agent" }),
    credentials: "omit",
    cache: "no-store",
  });
  const said = (await answer.json()) as { ticket?: string; code?: string; message?: string };
  if (!said.ticket) throw new TicketRefused(said.code ?? "", said.message ?? "");
  return said.ticket;
}

/** Why there is no ticket, in words. A browser does not say whether nobody answered or the origin was refused. */
export function refusalWords(error: unknown): string {
  if (!(error instanceof TicketRefused)) {
    return `The server does not answer, or its allowed_origins does not name ${location.origin}.`;
  }
  if (error.code === "unauthenticated") return "The server does not accept this access key.";
  if (error.code === "not_allowed") return "This access key is not an agent's.";
  return error.message || "The server gave no ticket.";
}
