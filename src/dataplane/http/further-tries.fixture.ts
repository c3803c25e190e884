import { serverTotals } from "../../shared-memory/totals.ts";
import { webConfig } from "../plan.fixture.ts";
import { opened, settled, type FakeSocket } from "../socket.fixture.ts";
import { TestProxy } from "./proxy.fixture.ts";

/* What tests of further tries have in common. They mock connect.ts, so that servers are the sockets in `opened`. */

export const servers = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
export const request = (method = "GET", body = "") =>
  `${method} / HTTP/1.1\r\nHost: a\r\n${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
export const answer = (status: number, body: string) =>
  `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
export const ok = answer(200, "ok");
export const proxyOf = (pool: Record<string, unknown> = {}, list: readonly unknown[] = servers) =>
  new TestProxy(webConfig(list, { outlierDetection: "off", ...pool }));
export const errorOf = (text: string) => /"code":"(\w+)"/.exec(text)?.[1];
export const inFlight = (proxy: TestProxy) => servers.map((_, slot) => proxy.context.scoreboard.inFlight(slot));
export const totals = (proxy: TestProxy, slot: number) => serverTotals(proxy.context.scoreboard.handle, slot);

/** Connects every socket that was opened so far. */
export function connectAll(): void {
  for (const socket of opened) if (!socket.destroyed) socket.connected();
}

/** A client has asked, and the first server has the request. */
export async function asked(proxy: TestProxy, text = request()): Promise<FakeSocket> {
  const client = proxy.connect();
  client.receive(text);
  opened.at(-1)!.connected();
  await settled();
  return client;
}

/** One server that takes one request at a time. */
export const full = (queue: Record<string, unknown>) =>
  proxyOf({ queue }, [{ address: servers[0], maxConnections: 1 }]);
