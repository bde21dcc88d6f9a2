import { describe, expect, it } from "vitest";
import { Announcer, Deck, type Entry, LONGEST_HOLD_MS, SETTLE_MS } from "../src/deck";

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

  it("holds back what the reader's setting holds back, counts it, and brings back what still stands", () => {
    const deck = new Deck();
    const all = [entry("a", 1), entry("b", 2), entry("c", 3), entry("d", 4)];
    deck.arrange(all, 0, false);
    const hush = (entries: Entry[]) => entries.map((one) => ({ ...one, hushed: one.id !== "c" }));
    deck.arrange(hush(all), 1, false);
    const hushed = hush([...all, entry("e", 5)]);
    deck.arrange(hushed, 1, false);
    expect(ids(deck)).toEqual(["c"]);
    expect(deck.earlier).toEqual(["e", "d", "b", "a"]);
    // The oldest had its place before.
    expect(deck.hushed).toBe(3);
    const later = hushed.map((one) => (one.id === "d" ? { ...one, gone: "expired" as const } : one));
    deck.arrange(later, 2, false);
    expect(deck.hushed).toBe(3);
    deck.arrange(later.map((one) => ({ ...one, hushed: false })), 3, false);
    expect(ids(deck)).toEqual(["e", "b", "c"]);
    expect(deck.earlier).toEqual(["d", "a"]);
    expect(deck.hushed).toBe(0);
  });

  it("does not count what was held back and is over, or was answered there", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1, { hushed: true }), entry("b", 2, { hushed: true })], 0, false);
    const after = [entry("a", 1, { hushed: true, gone: "retracted" }), entry("b", 2, { hushed: true, gone: "dismissed" })];
    deck.arrange(after, 1, false);
    expect([deck.hushed, deck.waiting, ids(deck)]).toEqual([0, [], []]);
    expect(deck.earlier).toEqual(["b", "a"]);
  });

  it("puts nothing before the rows under earlier while the hand is there", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1, { hushed: true })], 0, false);
    const two = [entry("a", 1, { hushed: true }), entry("b", 2, { hushed: true })];
    deck.arrange(two, 1, true);
    expect(deck.earlier).toEqual(["a"]);
    deck.arrange(two, 2, false);
    expect([deck.earlier, deck.hushed]).toEqual([["b", "a"], 2]);
  });

  it("takes nothing away under the hand when the setting changes", () => {
    const deck = new Deck();
    deck.arrange([entry("a", 1)], 0, false);
    deck.arrange([entry("a", 1, { hushed: true })], 1, true);
    expect(ids(deck)).toEqual(["a"]);
    deck.arrange([entry("a", 1, { hushed: true })], 2, false);
    expect(ids(deck)).toEqual([]);
  });

  it("knows which entry a stroke means: not one that has come or gone this very moment", () => {
    const deck = new Deck();
    const meant = (now: number) => deck.meant(now, (id) => id !== "w");
    deck.arrange([entry("a", 1)], 0, false);
    expect([meant(SETTLE_MS - 1), meant(SETTLE_MS)]).toEqual([null, "a"]);
    deck.arrange([entry("a", 1), entry("b", 2), entry("w", 3)], 1_000, false);
    expect([meant(1_000), meant(1_000 + SETTLE_MS)]).toEqual(["a", "b"]);
    deck.arrange([entry("a", 1), entry("b", 2, { gone: "retracted" }), entry("w", 3)], 2_000, false);
    expect([meant(2_000), meant(2_000 + SETTLE_MS)]).toEqual([null, "a"]);
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
  const heard = (announcer: Announcer, now: number) => (announcer.tick(now) ? announcer.text : null);

  it("reads out one title in five seconds, the newest", () => {
    const announcer = new Announcer();
    expect(heard(announcer, 0)).toBeNull();
    announcer.add("one");
    expect(heard(announcer, 0)).toBe("one");
    announcer.add("two");
    announcer.add("three");
    expect(heard(announcer, 4_999)).toBeNull();
    expect(heard(announcer, 5_000)).toBe("three");
    expect(heard(announcer, 10_000)).toBe("");
    expect(heard(announcer, 20_000)).toBeNull();
  });

  it("empties the region before it says the same again", () => {
    const announcer = new Announcer();
    announcer.add("one");
    expect(heard(announcer, 0)).toBe("one");
    announcer.add("one");
    expect(heard(announcer, 5_000)).toBe("");
    expect(heard(announcer, 5_500)).toBe("one");
  });

  it("lets nothing but the like displace what is urgent", () => {
    const announcer = new Announcer();
    announcer.add("one");
    announcer.tick(0);
    announcer.add("alert", true);
    announcer.add("two");
    expect(heard(announcer, 5_000)).toBe("alert");
    announcer.add("alert", true);
    announcer.add("word", true);
    expect(heard(announcer, 10_000)).toBe("word");
  });

  it("does not read out what is over by the time it has its turn", () => {
    const announcer = new Announcer();
    let stands = true;
    announcer.add("one");
    announcer.tick(0);
    announcer.add("alert", true, () => stands);
    stands = false;
    announcer.add("two");
    announcer.add("three", false, () => stands);
    expect(heard(announcer, 5_000)).toBe("");
    announcer.add("alert", true, () => stands);
    announcer.add("four");
    expect(heard(announcer, 5_500)).toBe("four");
  });
});
