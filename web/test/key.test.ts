import { beforeEach, describe, expect, it } from "vitest";
import { arrive, forget, keep, keepName, pastedKey } from "../src/key";
import { Memory } from "./storage";

let storage: Memory;
let address: string[];
const at = (hash: string, role = "agent") =>
  arrive(role, { hash, pathname: "/agent", search: "?x=1" }, (now) => address.push(now), storage);

beforeEach(() => {
  storage = new Memory();
  address = [];
});

describe("the access key", () => {
  it("leaves the address at once and the rest stays", () => {
    expect(at("#key=s3cr%2Bt&agent=desk-1&call=c9")).toEqual({ key: "s3cr+t", agent: "desk-1", call: "c9" });
    expect(address).toEqual(["/agent?x=1#agent=desk-1&call=c9"]);
    at("#key=k");
    expect(address.at(-1)).toBe("/agent?x=1");
  });

  it("is found again on a reload of the same page only", () => {
    at("#key=k&agent=desk-1");
    expect(at("#agent=desk-1").key).toBe("k");
    expect(at("", "supervisor").key).toBe("");
    expect(address).toHaveLength(1);
  });

  it("keeps a supervisor's name until somebody else signs in, for the fragment goes", () => {
    at("#key=k&agent=Eve", "supervisor");
    expect(at("#call=c1", "supervisor").agent).toBe("Eve");
    keepName("supervisor", "Bob", storage);
    expect(at("", "supervisor").agent).toBe("Bob");
    forget("supervisor", storage);
    expect(at("", "supervisor").agent).toBe("");
    at("#agent=desk-1");
    expect(at("").agent).toBe("");
  });

  it("can be kept and forgotten", () => {
    keep("agent", "k", storage);
    expect(at("").key).toBe("k");
    forget("agent", storage);
    expect(at("").key).toBe("");
  });

  it("may be pasted alone or with the address it came in", () => {
    expect(pastedKey("  k1 \n")).toBe("k1");
    expect(pastedKey("http://127.0.0.1:8080/agent#key=k%2B1&agent=desk-1")).toBe("k+1");
    expect(pastedKey("   ")).toBe("");
  });
});
