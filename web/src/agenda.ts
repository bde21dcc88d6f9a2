// In which order checklists stand, and which of them are unfolded.

import type { Checklist } from "./protocol";

/** Nothing tells when in a call a list has its time, except its name: one that opens comes first, one that closes last. */
function turn(list: Checklist): number {
  return /^open/.test(list.id) ? 0 : /^clos/.test(list.id) ? 2 : 1;
}

/** Otherwise in the order in which they came. */
export function inOrder(lists: readonly Checklist[]): Checklist[] {
  return lists.toSorted((a, b) => turn(a) - turn(b));
}

/** A list makes room when all of it is done; one that closes waits for its first step, unless it is the only one. */
export function unfolded(list: Checklist, lists: readonly Checklist[]): boolean {
  const done = list.steps.filter((step) => step.done).length;
  if (done === list.steps.length) return false;
  return done > 0 || turn(list) < 2 || lists.length === 1;
}
