// The curve of a call's frustration, from the steps that moved it. Knows nothing of sockets or components.

import type { Course, CourseStep } from "./protocol";

export interface Point {
  at: number;
  score: number;
}

/** Between two steps the score fades along a bow; so many straight pieces a half-life look like one. */
const PIECES = 8;

/** The score at a time, when nothing is said but what the course knows. */
export function scoreAt(course: Course, at: number): number {
  const step = course.steps.findLast((each) => each.at_ms <= at);
  return step ? faded(course, step, at) : 0;
}

/** The curve from the call's start to `until`, as a line of points; at each step it stands upright. */
export function curve(course: Course, until: number): Point[] {
  const first = course.steps[0];
  // Of a very long call the first steps are not told, nor is what the score was before.
  const points: Point[] = [{ at: Math.min(0, first?.at_ms ?? 0), score: 0 }];
  course.steps.forEach((step, i) => {
    if (i === 0) points.push({ at: step.at_ms, score: 0 });
    points.push({ at: step.at_ms, score: step.score });
    const end = course.steps[i + 1]?.at_ms ?? Math.max(until, step.at_ms);
    const pieces = Math.min(PIECES * 4, Math.ceil(((end - step.at_ms) / course.half_life_ms) * PIECES));
    for (let piece = 1; piece <= pieces; piece += 1) {
      const at = step.at_ms + ((end - step.at_ms) * piece) / pieces;
      points.push({ at, score: faded(course, step, at) });
    }
  });
  if (!first) points.push({ at: until, score: 0 });
  return points;
}

export interface Rise {
  step: CourseStep;
  /** The score just before. */
  from: number;
}

/** What drove it up. Steps that are of one moment are one rise, told by the heaviest of them. */
export function rises(course: Course): Rise[] {
  const found: Rise[] = [];
  course.steps.forEach((step, i) => {
    if (step.weight <= 0) return;
    const before = course.steps[i - 1];
    const last = found.at(-1);
    if (last && before === last.step && before.at_ms === step.at_ms) {
      const words = [...last.step.words, ...step.words];
      const heavier = step.weight > last.step.weight ? step : last.step;
      last.step = { ...step, what: heavier.what, weight: heavier.weight, words };
      return;
    }
    found.push({ step, from: before ? faded(course, before, step.at_ms) : 0 });
  });
  return found;
}

function faded(course: Course, step: CourseStep, at: number): number {
  return step.score * 0.5 ** (Math.max(0, at - step.at_ms) / course.half_life_ms);
}
