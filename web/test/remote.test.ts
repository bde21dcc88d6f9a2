import { describe, expect, it } from "vitest";
import { serverOf } from "../src/embed/doors";
import { remoteDoors, socketAddress } from "../src/remote";

describe("a server that is not this page's own", () => {
  it("has its socket below its address, with a path or without", () => {
    const addresses = ["wss://rtig.example", "wss://rtig.example/desk/", "https://rtig.example", "http://127.0.0.1:8765/"];
    expect(addresses.map((address) => socketAddress(address).href)).toEqual([
      "wss://rtig.example/ws",
      "wss://rtig.example/desk/ws",
      "wss://rtig.example/ws",
      "ws://127.0.0.1:8765/ws",
    ]);
  });

  it("is where a module came from when the element names none", () => {
    const module = "https://rtig.example/desk/embed/rtig-sidebar.js";
    expect(serverOf("", module)).toBe("https://rtig.example/desk/");
    expect(serverOf("wss://other.example", module)).toBe("wss://other.example");
  });

  it("is entered with a ticket that is asked for each time", async () => {
    let given: string | undefined = "one";
    const doors = remoteDoors(() => "wss://rtig.example", () => given);
    const answer = await doors.fetch("api/ticket", {});
    expect([answer.ok, await answer.json()]).toEqual([true, { ticket: "one" }]);
    given = undefined;
    await expect(doors.fetch("api/ticket", {})).rejects.toThrow("no ticket");
  });
});
