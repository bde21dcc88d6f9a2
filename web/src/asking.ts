// What the authors' page asks over HTTP, with its key in a header.

import { codeWords } from "./words";

export interface Asked {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  signal?: AbortSignal;
}

export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    // Here nothing is sent again by itself.
    super(code === "rate_limited" ? "Too much at once. Try again in a moment." : codeWords(code, message));
    this.code = code;
  }
}

/** The answer. Rejects with a sentence for people, or with an `AbortError` where `signal` said so. */
export async function ask<T>(key: string, path: string, { method = "GET", body, signal }: Asked = {}): Promise<T> {
  const headers: Record<string, string> = { Authorization: `Bearer ${key}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(new URL(`api/author/${path}`, location.href), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error("The server cannot be reached at the moment.");
  }
  if (answer.ok) return (await answer.json()) as T;
  const said = (await answer.json().catch(() => ({}))) as { code?: string; message?: string };
  throw new Refusal(said.code ?? "", said.message ?? "");
}
