import { describe, expect, it, vi } from "vitest";
import { read, refusalWords, serverAddress, TicketRefused, write } from "../../extension/settings";

class Area {
  kept: Record<string, unknown> = {};
  get = (keys: string[]) => Promise.resolve(Object.fromEntries(keys.map((key) => [key, this.kept[key]])));
  set = (items: Record<string, unknown>) => Promise.resolve(void Object.assign(this.kept, items));
  remove = (keys: string[]) => Promise.resolve(keys.forEach((key) => delete this.kept[key]));
}

describe("the extension's settings", () => {
  it("send a key only over https, or within this computer", () => {
    expect(
      ["https://rtig.example", " rtig.example/ ", "https://rtig.example/desk/", "http://127.0.0.1:8765/agent#key=x"].map(
        serverAddress,
      ),
    ).toEqual(["https://rtig.example", "https://rtig.example", "https://rtig.example/desk", "http://127.0.0.1:8765"]);
    expect(["http://rtig.example", "ftp://a", "", "https://"].map(serverAddress)).toEqual(["", "", "", ""]);
  });

  it("forget the key with the browser unless it is to be kept", async () => {
    const [local, session] = [new Area(), new Area()];
    vi.stubGlobal("chrome", { storage: { local, session } });
    const given = { server: "https://a.example", agent: "desk-1", key: "k", kept: false };
    await write(given);
    expect(local.kept).toEqual({ server: "https://a.example", agent: "desk-1" });
    expect(await read()).toEqual(given);
    await write({ ...given, kept: true });
    expect(session.kept).toEqual({});
    expect(await read()).toEqual({ ...given, kept: true });
    await write(given);
    expect(local.kept["key"]).toBeUndefined();
    vi.unstubAllGlobals();
  });

  it("say why there is no ticket", () => {
    vi.stubGlobal("location", { origin: "chrome-extension://abc" });
    expect(refusalWords(new TypeError("Failed to fetch"))).toContain("chrome-extension://abc");
    expect(refusalWords(new TicketRefused("unauthenticated", ""))).toContain("access key");
    expect(refusalWords(new TicketRefused("not_allowed", ""))).toContain("not an agent's");
    expect(refusalWords(new TicketRefused("rate_limited", "Too many."))).toBe("Too many.");
    vi.unstubAllGlobals();
  });
});
