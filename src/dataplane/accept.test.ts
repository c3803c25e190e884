import net from "node:net";
import { describe, expect, it } from "vitest";
import { handlesWork, takeHandles } from "./accept.ts";

describe("handlesWork", () => {
  it("tries handles on a connection of its own, once", async () => {
    const first = handlesWork();
    expect(await first).toBe(true);
    expect(handlesWork()).toBe(first);
  });
});

describe("takeHandles", () => {
  it("says so when there is no handle to take from, as before a server listens", () => {
    expect(takeHandles(net.createServer(), () => undefined)).toBe(false);
  });

  it("leaves errors of accepting to a listener of their own, and makes no connection of them", async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const accepted: unknown[] = [];
    const errors: unknown[] = [];
    server.on("acceptError", (code) => errors.push(code));
    expect(takeHandles(server, (handle) => void accepted.push(handle))).toBe(true);
    const handle = (server as unknown as { _handle: { onconnection(error: number, client?: object): void } })._handle;
    handle.onconnection(-24);
    handle.onconnection(0, undefined);
    server.close();
    expect([errors, accepted]).toEqual([[-24], []]);
  });
});
