import { describe, expect, it } from "vitest";
import { hashOf, placeIn } from "../src/place";

describe("where an author is", () => {
  it("begins with the state, everything shown, the most shown first", () => {
    expect(placeIn("")).toEqual({ view: "state", sort: "-shown", kind: "", find: "", never: false });
    expect(placeIn("#view=nowhere").view).toBe("state");
  });

  it("comes back from the address as it went in", () => {
    const place = { view: "outcomes", sort: "title", kind: "article", find: "bill & co", never: true } as const;
    expect(placeIn(hashOf(place))).toEqual(place);
  });

  it("leaves out what is as at the start", () => {
    expect(hashOf(placeIn(""))).toBe("#view=state");
  });
});
