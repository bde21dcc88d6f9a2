import { describe, expect, it } from "vitest";
import { curve, rises, scoreAt } from "../src/course";
import type { Course, CourseStep } from "../src/protocol";
import { quote } from "./items";

const step = (at_ms: number, score: number, change: Partial<CourseStep> = {}): CourseStep => ({
  at_ms,
  score,
  band: "tense",
  weight: 0.3,
  what: `at ${at_ms}`,
  words: [],
  ...change,
});
const course = (...steps: CourseStep[]): Course => ({
  call_id: "c",
  at_ms: 0,
  half_life_ms: 10_000,
  tense: 0.25,
  frustrated: 0.5,
  critical: 0.75,
  steps,
  holds: [],
  talk_over: [],
  deeds: [],
});

describe("the course of a call", () => {
  it("fades by half in the half-life after each step", () => {
    const call = course(step(10_000, 0.8), step(30_000, 0.6));
    expect([0, 9_999, 10_000, 20_000, 29_999.999, 30_000, 50_000].map((at) => scoreAt(call, at))).toEqual([
      0,
      0,
      0.8,
      0.4,
      expect.closeTo(0.2),
      0.6,
      expect.closeTo(0.15),
    ]);
  });

  it("is a line that stands upright at each step and ends where it is asked to", () => {
    const line = curve(course(step(10_000, 0.8), step(30_000, 0.6)), 40_000);
    expect(line[0]).toEqual({ at: 0, score: 0 });
    expect(line.at(-1)).toEqual({ at: 40_000, score: expect.closeTo(0.3) });
    const upright = line.flatMap((point, i) => (point.at === line[i - 1]?.at ? [[point.at, line[i - 1]!.score, point.score]] : []));
    expect(upright).toEqual([
      [10_000, 0, 0.8],
      [30_000, expect.closeTo(0.2), 0.6],
    ]);
    for (const [i, point] of line.entries()) {
      expect(point.at).toBeGreaterThanOrEqual(line[i - 1]?.at ?? 0);
      if (point.at > 10_000 && point.at < 30_000) expect(point.score).toBeCloseTo(scoreAt(course(step(10_000, 0.8)), point.at));
    }
  });

  it("is flat on the ground while nothing has been said, and never long", () => {
    expect(curve(course(), 5_000)).toEqual([
      { at: 0, score: 0 },
      { at: 5_000, score: 0 },
    ]);
    expect(curve(course(step(0, 1)), 24 * 3_600_000).length).toBeLessThan(50);
  });

  it("names what drove it up, those of one moment as one", () => {
    const [first, second] = [quote("third time", 0), quote("a joke", 0, "s2")];
    const found = rises(
      course(
        step(1_000, 0.3, { words: [first] }),
        step(1_000, 0.6, { weight: 0.4, what: "heavier", words: [second] }),
        step(2_000, 0.4, { weight: -0.3 }),
        step(12_000, 0.5),
      ),
    );
    expect(found.map(({ step, from }) => [step.what, step.score, from])).toEqual([
      ["heavier", 0.6, 0],
      ["at 12000", 0.5, 0.2],
    ]);
    expect(found[0]!.step.words).toEqual([first, second]);
  });
});
