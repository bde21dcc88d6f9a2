// One call as a screen knows it: a dictionary that guidance is put into. Knows nothing of sockets or components.

import type {
  Brief,
  CallInfo,
  Card,
  CaughtUp,
  Checklist,
  Course,
  Guidance,
  Guided,
  Handover,
  Help,
  Hint,
  Line,
  Mood,
  Place,
  Quote,
  StartOver,
  Watch,
  Whisper,
  Withheld,
} from "./protocol";

/** Enough for "why did it not come?"; a long call can withhold hundreds. */
const WITHHELD_KEPT = 100;

export class Call {
  readonly id: string;
  info: CallInfo | null = null;
  /** In the order of speech. */
  lines: Line[] = [];
  cards = new Map<string, Card>();
  /** Those of the conversation. */
  checklists = new Map<string, Checklist>();
  /** By card: the steps of an article, as far as words can tick them. */
  steps = new Map<string, Checklist>();
  hints = new Map<string, Hint>();
  whispers = new Map<string, Whisper>();
  mood: Mood | null = null;
  help: Help | null = null;
  /** What was left for the next agent, the last that was sent. */
  handover: Handover | null = null;
  /** What the reader is writing for the next agent; null while nothing is written. */
  draft: string | null = null;
  withheld: Withheld[] = [];
  /** The last one that was told, made when the call had come as far as it says. */
  brief: Brief | null = null;
  /** How it went so far, when this was last asked for. */
  course: Course | null = null;
  /** The past has been told; what comes now is live. */
  caughtUp = false;
  /** Not announced any more, or unknown to the server: over, whatever is still told of it. */
  gone = false;
  /** Grows with each change, so that a view can tell whether there is anything to draw. */
  version = 0;

  #position: Place | null = null;
  #lineOf = new Map<string, Line>();
  #heardMs = 0;
  #heardAt = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** What to send in order to follow this call from where it stands. */
  watch(): Watch {
    const watch: Watch = { type: "watch", call_id: this.id };
    if (this.#position) watch.after = this.#position;
    return watch;
  }

  /** Takes a frame about this call; `now` is the reader's clock in Unix milliseconds. */
  take(frame: Guided | StartOver | CaughtUp, now: number): void {
    this.version += 1;
    if (frame.type === "start_over") {
      this.#forget();
      return;
    }
    if (frame.type === "guidance") for (const item of frame.items) this.#put(item, now);
    else this.caughtUp = true;
    const at = this.#position;
    const seq = at && at.epoch === frame.epoch ? Math.max(at.seq, frame.seq) : frame.seq;
    this.#position = { epoch: frame.epoch, seq };
  }

  takeBrief(brief: Brief): void {
    if (this.brief && this.brief.at_ms > brief.at_ms) return;
    this.version += 1;
    this.brief = brief;
    this.handover = brief.handover ?? this.handover;
  }

  takeCourse(course: Course): void {
    this.version += 1;
    this.course = course;
  }

  get ended(): boolean {
    return this.gone || this.info?.state === "ended";
  }

  /**
   * Milliseconds since the call began, on the call's clock: the latest time heard of, running on since. Where the
   * source gave the time of the start, that is used when it says more (a silence before this screen joined).
   */
  clock(now: number): number {
    if (this.ended) return this.info?.ended_ms ?? this.#heardMs;
    const heard = this.#heardAt ? this.#heardMs + Math.max(0, now - this.#heardAt) : 0;
    return Math.max(heard, sinceStart(this.info?.started_at ?? 0, now, this.#heardMs));
  }

  line(segmentId: string): Line | undefined {
    return this.#lineOf.get(segmentId);
  }

  /** What was said and now counts as evidence, by segment: of cards that stand and of the mood. */
  evidence(): Map<string, Quote[]> {
    const bySegment = new Map<string, Quote[]>();
    const add = (quotes: Quote[]) => {
      for (const quote of quotes) {
        const held = bySegment.get(quote.segment_id);
        if (held) held.push(quote);
        else bySegment.set(quote.segment_id, [quote]);
      }
    };
    for (const card of this.cards.values()) if (card.state !== "retracted") add(card.why.words);
    for (const reason of this.mood?.reasons ?? []) add(reason.words);
    return bySegment;
  }

  #put(item: Guidance, now: number): void {
    switch (item.type) {
      case "transcript":
        this.#putLine(item);
        this.#heard(item.end_ms, now);
        return;
      case "card": {
        const held = this.cards.get(item.id);
        if (!held || item.cause >= held.cause) this.cards.set(item.id, item);
        this.#heard(item.shown_ms, now);
        return;
      }
      case "mood":
        this.mood = item;
        this.#heard(item.at_ms, now);
        return;
      case "checklist": {
        const lists = item.card ? this.steps : this.checklists;
        if (item.withdrawn) lists.delete(item.id);
        else lists.set(item.id, item);
        return;
      }
      case "whisper":
        this.whispers.set(item.id, item);
        return;
      case "handover":
        this.handover = item;
        return;
      case "help":
        this.help = item;
        this.#heard(item.at_ms, now);
        return;
      case "hint":
        this.hints.set(item.id, item);
        return;
      case "withheld":
        this.withheld = [...this.withheld, item].slice(-WITHHELD_KEPT);
        return;
      case "call":
        this.info = item;
        this.#heard(item.ended_ms ?? 0, now);
        return;
      default:
        item satisfies never; // A newer server may tell more than this page knows.
    }
  }

  #putLine(line: Line): void {
    const held = this.#lineOf.get(line.segment_id);
    if (held) {
      if (line.rev < held.rev) return;
      const at = this.lines.indexOf(held);
      if (!line.voided && held.start_ms === line.start_ms) {
        this.lines = this.lines.with(at, line);
        this.#lineOf.set(line.segment_id, line);
        return;
      }
      this.lines = this.lines.toSpliced(at, 1);
      this.#lineOf.delete(line.segment_id);
    }
    if (line.voided) return;
    this.#lineOf.set(line.segment_id, line);
    const after = this.lines.findLastIndex((other) => other.start_ms <= line.start_ms);
    this.lines = this.lines.toSpliced(after + 1, 0, line);
  }

  #heard(ms: number, now: number): void {
    if (this.#heardAt && ms <= this.#heardMs + (now - this.#heardAt)) return;
    this.#heardMs = ms;
    this.#heardAt = now;
  }

  #forget(): void {
    this.info = this.mood = this.help = this.handover = this.brief = this.course = this.#position = null;
    this.lines = [];
    this.withheld = [];
    for (const all of [this.cards, this.checklists, this.steps, this.hints, this.whispers, this.#lineOf]) all.clear();
    this.#heardMs = this.#heardAt = 0;
    this.caughtUp = false;
  }
}

/** A day: a start longer ago than that is a recording being replayed, and says nothing about this call's clock. */
const LONGEST_CALL_MS = 24 * 60 * 60 * 1000;
/** A replay at speed, or of an hour ago, has a start that does not fit what is being heard. */
const PLAUSIBLE_SILENCE_MS = 10 * 60 * 1000;

/** Milliseconds since `startedAt`, or 0 where that is unknown or does not fit a call whose clock was last `heard`. */
export function sinceStart(startedAt: number, now: number, heard: number): number {
  const since = now - startedAt;
  if (startedAt <= 0 || since < 0 || since > LONGEST_CALL_MS) return 0;
  return since - heard > PLAUSIBLE_SILENCE_MS ? 0 : since;
}

export interface Piece {
  text: string;
  marked: boolean;
  /** The very words that the reader asked to see. */
  sought: boolean;
}

/**
 * A line's text cut into marked and plain pieces. A quote counts characters as the server does, by code point, and may
 * be older than the text: then its words are looked for, and where they are gone nothing is marked.
 */
export function pieces(text: string, quotes: readonly Quote[], sought: Quote | null): Piece[] {
  const points = /[\uD800-\uDFFF]/.test(text) ? [...text] : null;
  const unit = (point: number) => (points ? points.slice(0, point).join("").length : point);
  const spans: [from: number, to: number, sought: boolean][] = [];
  for (const quote of sought ? [...quotes, sought] : quotes) {
    let from = unit(quote.start);
    let to = unit(quote.end);
    if (quote.text && text.slice(from, to) !== quote.text) {
      from = text.toLowerCase().indexOf(quote.text.toLowerCase());
      if (from < 0) continue;
      to = from + quote.text.length;
    }
    if (to > from) spans.push([from, to, quote === sought]);
  }
  if (!spans.length) return [{ text, marked: false, sought: false }];
  const cuts = [...new Set([0, text.length, ...spans.flatMap(([from, to]) => [from, to])])].sort((a, b) => a - b);
  const cut: Piece[] = [];
  for (let i = 1; i < cuts.length; i += 1) {
    const [from, to] = [cuts[i - 1]!, cuts[i]!];
    const over = spans.filter(([start, end]) => start <= from && end >= to);
    const piece = { text: text.slice(from, to), marked: over.length > 0, sought: over.some(([, , now]) => now) };
    const before = cut.at(-1);
    if (before && before.marked === piece.marked && before.sought === piece.sought) before.text += piece.text;
    else cut.push(piece);
  }
  return cut;
}
