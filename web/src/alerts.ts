// The supervisors' alerts, in the order in which a person deals with them. Knows nothing of sockets or components.

import type { Alert, Board } from "./protocol";

/** How long one that is resolved stays to be seen as such. */
export const RESOLVED_SHOWN_MS = 8_000;

export interface Kept {
  key: string;
  alert: Alert;
  /** Unix milliseconds of this screen since when the alert has been raised, and in its state. */
  raisedAt: number;
  stateAt: number;
}

/** The clock of a call in milliseconds; 0 where the call is not known. */
type Clock = (callId: string) => number;

export class Alerts {
  #kept = new Map<string, Kept>();
  /** While a board is told anew, in many frames: the alerts of the one before that it has not named. */
  #unnamed = new Set<string>();
  /** What this person took on or resolved here, and how often it had been raised by then. */
  #mine = new Map<string, number>();
  /** As the reader saw them last. */
  #shown: string[] = [];

  /** Takes a frame of the board; the alerts that are open and were not before. */
  take(board: Board, now: number, clock: Clock): Alert[] {
    const opened: Alert[] = [];
    if (board.whole) this.#unnamed = new Set(this.#kept.keys());
    for (const alert of board.alerts) {
      const key = keyOf(alert);
      const before = this.#kept.get(key);
      this.#unnamed.delete(key);
      // One that was resolved before this screen came is no news.
      if (!before && alert.state === "resolved") continue;
      const changed = before?.alert.state !== alert.state || before.alert.raised !== alert.raised;
      if (alert.state === "open" && changed) opened.push(alert);
      const at = (ms: number) => now - Math.max(0, clock(alert.call_id) - ms);
      this.#kept.set(key, {
        key,
        alert,
        raisedAt: before && before.alert.raised === alert.raised ? before.raisedAt : at(alert.raised_ms),
        stateAt: before && !changed ? before.stateAt : alert.state === "resolved" ? now : at(alert.at_ms),
      });
    }
    if (!board.more) {
      for (const key of this.#unnamed) this.#kept.delete(key);
      this.#unnamed.clear();
    }
    // The call is over, and with it what was left of it: the server may not hold it any more.
    for (const kept of this.#kept.values()) {
      if (board.gone.includes(kept.alert.call_id) && kept.alert.state !== "resolved") {
        kept.alert = { ...kept.alert, state: "resolved", reason: "ended" };
        kept.stateAt = now;
      }
    }
    return opened;
  }

  /** This person has answered it. */
  answered(key: string): void {
    const kept = this.#kept.get(key);
    if (kept) this.#mine.set(key, kept.alert.raised);
  }

  /** Whether it was this person who answered it, as often as it is raised now. */
  mine({ key, alert }: Kept): boolean {
    return this.#mine.get(key) === alert.raised;
  }

  /** The calls with an alert that nobody has resolved. */
  calls(): Set<string> {
    const calls = new Set<string>();
    for (const { alert } of this.#kept.values()) if (alert.state !== "resolved") calls.add(alert.call_id);
    return calls;
  }

  get open(): number {
    return this.#count("open");
  }

  get acknowledged(): number {
    return this.#count("acknowledged");
  }

  /**
   * Open ones, agents who ask first and then the oldest, then those that somebody has, then those just resolved. While the reader is among them
   * (`still`) each keeps its place, so that what a finger is on its way to does not move.
   */
  listed(now: number, still = false): Kept[] {
    for (const kept of [...this.#kept.values()]) {
      const over = kept.alert.state === "resolved" && now - kept.stateAt >= RESOLVED_SHOWN_MS;
      if (over && !(still && this.#shown.includes(kept.key))) {
        this.#kept.delete(kept.key);
        this.#mine.delete(kept.key);
      }
    }
    const listed = [...this.#kept.values()].sort(
      (a, b) =>
        RANK[a.alert.state] - RANK[b.alert.state] ||
        Number(b.alert.source === "agent") - Number(a.alert.source === "agent") ||
        a.raisedAt - b.raisedAt ||
        (a.key < b.key ? -1 : 1),
    );
    if (still) {
      const place = new Map(this.#shown.map((key, i) => [key, i]));
      listed.sort((a, b) => (place.get(a.key) ?? Infinity) - (place.get(b.key) ?? Infinity) || 0);
    }
    this.#shown = listed.map((kept) => kept.key);
    return listed;
  }

  #count(state: Alert["state"]): number {
    let count = 0;
    for (const { alert } of this.#kept.values()) if (alert.state === state) count += 1;
    return count;
  }
}

const RANK: Record<Alert["state"], number> = { open: 0, acknowledged: 1, resolved: 2 };

export function keyOf(alert: Alert): string {
  return `${alert.call_id} ${alert.id}`;
}
