import { describe, expect, it } from "vitest";
import { Announcer, Deck, type Entry, LONGEST_HOLD_MS } from "../src/deck";

const entry = (id: string, at: number, change: Partial<Entry> = {}): Entry => ({
  id,
  at,
  pinned: false,
  gone: "",
  ...change,
});
const ids = (deck: Deck) => deck.slots.map((slot) => slot.id);

describe("the deck", () => {
  it("lays the newest on top and shows three, the rest under earlier", () => {
    const deck = new Deck();
    deck.arrange([entry("b", 2), entry("d", 4), entry("a", 1), entry("c", 3)], 0, false);
    expect(ids(deck)).toEqual(["d", "c", "b"]);
    expect(deck.earlier).toEqual(["a"]);
  });

  it("does not count pinned ones, and brings one back that is pinned later", () => {
    const deck = new Deck();
    const all = [entry("a", 1, { pinned: true }), entry("b", 2), entry("c", 3), entry("d", 4), entry("e", 5)];
    deck.arrange(all, 0, false);
    expect(ids(deck)).toEqual(["e", "d", "c", "a"]);
    deck.arrange([...all.slice(0, 1), entry("b", 2, { pinned: true }), ...all.slice(2)], 1, false);
    expect(ids(deck)).toEqual(["b", "e", "d", "c", "a"]);
    expect(deck.earlier).toEqual([]);
  });

  it("lets a card that was taken back stand for a while where it was", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1), entry("b", 2)], 0, false);
    const after = [entry("a", 1), entry("b", 2, { gone: "retracted" })];
    deck.arrange(after, 1_000, false);
    expect(deck.slots).toEqual([
      { id: "b", gone: "retracted" },
      { id: "a", gone: "" },
    ]);
    deck.arrange(after, 7_000, false);
    expect(ids(deck)).toEqual(["a"]);
    expect(deck.earlier).toEqual(["b"]);
  });

  it("never shows what was taken back before it came, and puts what is past under earlier at once", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1, { gone: "retracted" }), entry("b", 2, { gone: "expired" })], 0, false);
    expect(ids(deck)).toEqual([]);
    expect(deck.earlier).toEqual(["b"]);
    deck.arrange([entry("c", 3)], 1, false);
    deck.arrange([entry("c", 3, { gone: "expired" })], 2, false);
    expect(ids(deck)).toEqual([]);
  });

  it("moves nothing while the hand is there, and says what waits", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1)], 0, true);
    deck.arrange([entry("a", 1)], LONGEST_HOLD_MS, true);
    expect(ids(deck)).toEqual(["a"]);
    const two = [entry("a", 1, { gone: "expired" }), entry("b", 2)];
    deck.arrange(two, 10_000, true);
    expect(ids(deck)).toEqual(["a"]);
    expect(deck.waiting).toEqual(["b"]);
    deck.arrange(two, 10_500, false);
    expect(ids(deck)).toEqual(["b"]);
    expect(deck.waiting).toEqual([]);
  });

  it("holds a card back for a few seconds at most", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1)], 0, false);
    const two = [entry("a", 1), entry("b", 2)];
    deck.arrange(two, 1_000, true);
    deck.arrange(two, 1_000 + LONGEST_HOLD_MS - 1, true);
    expect(ids(deck)).toEqual(["a"]);
    deck.arrange(two, 1_000 + LONGEST_HOLD_MS, true);
    expect(ids(deck)).toEqual(["b", "a"]);
  });

  it("changes what stands in place without waiting", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1)], 0, false);
    deck.arrange([entry("a", 1, { gone: "retracted" })], 1, true);
    expect(deck.slots).toEqual([{ id: "a", gone: "retracted" }]);
  });

  it("forgets what the call forgot", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1), entry("b", 2, { gone: "expired" })], 0, false);
    deck.arrange([], 1, true);
    expect(ids(deck)).toEqual([]);
    expect(deck.earlier).toEqual([]);
  });

  it("keeps the order of those that stay, whatever comes and goes", () => {
    const deck = new Deck();
    let seed = 7;
    const chance = (n: number) => (seed = (seed * 48_271) % 2_147_483_647) % n;
    const entries = new Map<string, Entry>();
    for (let now = 0; now < 200_000; now += 500) {
      if (chance(3) === 0) entries.set(`c${now}`, entry(`c${now}`, now, { pinned: chance(9) === 0 }));
      const one = [...entries.values()][chance(entries.size || 1)];
      if (one && chance(4) === 0)
        entries.set(one.id, { ...one, gone: chance(2) ? "expired" : "retracted", pinned: false });
      const before = ids(deck);
      const held = chance(3) === 0;
      deck.arrange(entries.values(), now, held);
      const after = ids(deck);
      const stayed = before.filter((id) => after.includes(id));
      expect(after.filter((id) => before.includes(id))).toEqual(stayed);
      expect(after.slice(after.length - stayed.length)).toEqual(stayed);
      const counted = deck.slots.filter((slot) => !slot.gone && !entries.get(slot.id)!.pinned);
      expect(counted.length).toBeLessThanOrEqual(3);
      expect(new Set([...after, ...deck.earlier]).size).toBe(after.length + deck.earlier.length);
    }
  });
});

describe("the announcer", () => {
  it("reads out one title in five seconds, the newest", () => {
    const announcer = new Announcer();
    expect(announcer.tick(0)).toBe(false);
    announcer.add("one");
    expect([announcer.tick(0), announcer.text]).toEqual([true, "one"]);
    announcer.add("two");
    announcer.add("three");
    expect([announcer.tick(4_999), announcer.text]).toEqual([false, "one"]);
    expect([announcer.tick(5_000), announcer.text]).toEqual([true, "three"]);
    expect(announcer.tick(20_000)).toBe(false);
  });
});
