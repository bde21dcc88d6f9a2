// Guidance for tests, with everything that a test does not care about filled in.
import type { BoardRow, CallInfo, Card, Guidance, Guided, Line, Mood, Quote } from "../src/protocol";

export const frame = (seq: number, ...items: Guidance[]): Guided => ({
  type: "guidance",
  call_id: items[0]?.call_id ?? "c",
  epoch: 1,
  seq,
  items,
  timing: null,
});

export const info = (change: Partial<CallInfo> = {}): CallInfo => ({
  type: "call",
  call_id: "c",
  state: "live",
  channel: "voice",
  agent: "desk-1",
  queue: "q",
  customer: "",
  started_at: 0,
  playbook: "p",
  ended_ms: null,
  ...change,
});

export const line = (segment_id: string, text: string, change: Partial<Line> = {}): Line => ({
  type: "transcript",
  call_id: "c",
  segment_id,
  rev: 1,
  party: "customer",
  text,
  final: true,
  start_ms: 0,
  end_ms: 0,
  voided: false,
  ...change,
});

export const quote = (text: string, start: number, segment_id = "s1"): Quote => ({
  segment_id,
  party: "customer",
  start,
  end: start + [...text].length,
  text,
});

export const card = (id: string, change: Partial<Card> = {}): Card => ({
  type: "card",
  call_id: "c",
  id,
  state: "confirmed",
  kind: "article",
  title: id,
  say: "",
  body: "",
  steps: [],
  article: null,
  why: { rule: "r", playbook: "p", condition: "", words: [], bends: [], score: null, near: [], beat: [] },
  priority: 1,
  exempt: false,
  at_ms: 0,
  shown_ms: 0,
  expires_ms: 60_000,
  cause: 1,
  reason: "",
  ...change,
});

export const mood = (score: number, change: Partial<Mood> = {}): Mood => ({
  type: "mood",
  call_id: "c",
  score,
  band: "calm",
  risk: 0,
  at_ms: 0,
  reasons: [],
  reading: "words",
  ...change,
});

export const row = (call_id: string, score: number, change: Partial<BoardRow> = {}): BoardRow => ({
  call_id,
  agent: "",
  queue: "",
  customer: "",
  channel: "voice",
  started_at: 0,
  clock_ms: 0,
  score,
  band: "calm",
  risk: 0,
  reading: "words",
  reason: "",
  spark: [],
  red_ms: 0,
  cards: 0,
  ...change,
});
