import { describe, expect, it } from "vitest";
import { socketAddress } from "../src/embed/doors";

describe("the way to the server from another page", () => {
  const module = "https://rtig.example/desk/embed/rtig-sidebar.js";

  it("is the address that the element names, with a path or without", () => {
    expect(socketAddress("wss://rtig.example", module).href).toBe("wss://rtig.example/ws");
    expect(socketAddress("wss://rtig.example/desk/", module).href).toBe("wss://rtig.example/desk/ws");
    expect(socketAddress("https://rtig.example", module).href).toBe("wss://rtig.example/ws");
    expect(socketAddress("http://127.0.0.1:8765", module).href).toBe("ws://127.0.0.1:8765/ws");
  });

  it("is where the module came from when the element names none", () => {
    expect(socketAddress("", module).href).toBe("wss://rtig.example/desk/ws");
  });
});
