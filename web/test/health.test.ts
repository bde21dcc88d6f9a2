import { describe, expect, it } from "vitest";
import { Health, secondsWords, timeWords } from "../src/health";
import type { Latency, Spread } from "../src/protocol";
import { place, shares } from "../src/ui/histogram";

const spread = (count = 0, us = 0): Spread => {
  return { count, p50_us: us, p95_us: us, p99_us: us, p999_us: us, max_us: us, bars: Array<number>(48).fill(0) };
};

function told(minute: Spread = spread(50, 3_000), more: Partial<Latency> = {}): Latency {
  return {
    server: "0",
    up_seconds: 100,
    problems: [],
    stages: [{ stage: "total", minute, start: spread(900, 2_000) }],
    live_calls: 3,
    busy: 0.3,
    admitted: 3,
    connections: {},
    late: 0,
    shed: 0,
    too_slow: 0,
    refused: {},
    lane: "on",
    lane_restarts: 0,
    ...more,
  };
}

function verdict(figures: Latency) {
  const health = new Health();
  health.take(figures, 0);
  return health.verdict(0);
}

describe("health", () => {
  it("says in one sentence that all is well", () => {
    expect(verdict(told())).toEqual({
      level: "calm",
      words: "Cards leave within 3 ms for 99 of 100 fragments; the model lane is on.",
    });
    expect(verdict(told(spread(50, 3_000), { lane: "off" })).words).toContain("the model lane is off");
  });

  it("speaks of the time since the start where the last minute brought no card", () => {
    expect(verdict(told(spread())).words).toContain("No card in the last minute; since the start they left within 2 ms");
    const none = told(spread());
    none.stages[0]!.start = spread();
    expect(verdict(none)).toEqual({ level: "calm", words: "No card was timed yet; the model lane is on." });
  });

  it("says that new calls are refused, and why calls cannot be recorded beside it", () => {
    expect(verdict(told(spread(50, 3_000), { problems: ["at capacity"] }))).toEqual({
      level: "critical",
      words: "The server is at capacity: new calls are refused. Cards leave within 3 ms for 99 of 100 fragments.",
    });
    const both = verdict(told(spread(50, 3_000), { problems: ["at capacity", "log: gone"] }));
    expect(both.words).toContain("new calls are refused. The server cannot record calls (log: gone).");
  });

  it("says what is wrong, the worst first", () => {
    const bad = verdict(told(spread(9, 320_000), { lane: "down", problems: ["draining", "log: gone"] }));
    expect(bad.level).toBe("critical");
    expect(bad.words).toBe(
      "The server is being stopped and takes nobody new. The server cannot record calls (log: gone). " +
        "Cards are slow: 1 in 100 leaves after 320 ms or more. The model lane is down; cards come from the words alone.",
    );
    expect(verdict(told(spread(9, 3_000), { lane: "down" }))).toEqual({
      level: "tense",
      words:
        "The model lane is down; cards come from the words alone. Cards leave within 3 ms for 99 of 100 fragments.",
    });
  });

  it("counts what was lost within the last minute", () => {
    const health = new Health();
    health.take(told(spread(50, 3_000), { shed: 5 }), 0);
    expect(health.lately("shed")).toBe(0);
    health.take(told(spread(50, 3_000), { shed: 7, refused: { bad_json: 2, rate_limited: 1 } }), 2_000);
    expect([health.lately("shed"), health.lately("refused"), health.lately("late")]).toEqual([2, 3, 0]);
    expect(health.verdict(2_000)).toEqual({
      level: "tense",
      words:
        "2 utterances were not read by the model in the last minute. Cards leave within 3 ms for 99 of 100 fragments.",
    });
    for (let at = 4_000; at <= 64_000; at += 2_000) health.take(told(spread(50, 3_000), { shed: 7 }), at);
    expect(health.lately("shed")).toBe(0);
    expect(health.verdict(64_000).level).toBe("calm");
  });

  it("does not count backwards when the server begins anew", () => {
    const health = new Health();
    health.take(told(spread(50, 3_000), { late: 40 }), 0);
    health.take(told(spread(50, 3_000), { late: 1, up_seconds: 2 }), 2_000);
    expect(health.lately("late")).toBe(0);
  });

  it("says for how long there has been no answer", () => {
    const health = new Health();
    health.fail("it cannot be reached.");
    expect(health.verdict(9)).toEqual({
      level: "critical",
      words: "The server has given no figures: it cannot be reached.",
    });
    health.take(told(), 1_000);
    health.fail("it cannot be reached.");
    expect(health.verdict(46_000).words).toBe("The server has given no figures for 45 s: it cannot be reached.");
    health.take(told(), 47_000);
    expect(health.verdict(47_000).level).toBe("calm");
  });

  it("tells times in the unit that fits", () => {
    expect([1, 999, 1_000, 3_249, 9_960, 31_600, 999_400, 999_500, 1_480_000].map(timeWords)).toEqual([
      "1 µs", "999 µs", "1 ms", "3.2 ms", "10 ms", "32 ms", "999 ms", "1 s", "1.5 s",
    ]);
    expect([45_000, 150_000, 11_000_000, 200_000_000].map(secondsWords)).toEqual(["45 s", "2 min", "3 h", "2 days"]);
  });
});

describe("the axis", () => {
  it("puts a time where the server's bars have it", () => {
    expect([1, 10, 100, 1_000].map((us) => Math.round(place(us)))).toEqual([0, 1, 9, 17]);
  });

  it("draws each bar as a share of the highest", () => {
    expect(shares([0, 2, 4])).toEqual([0, 0.5, 1]);
    expect(shares([0, 0])).toEqual([0, 0]);
  });
});
