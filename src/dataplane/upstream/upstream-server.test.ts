import { describe, expect, it } from "vitest";
import { testWorker } from "../worker.fixture.ts";
import { UpstreamServer } from "./upstream-server.ts";
import { poolConfig } from "./upstream-user.fixture.ts";

const context = testWorker();

function serverOf(entry: unknown, previous?: UpstreamServer, upstream: object = {}): UpstreamServer {
  const pool = poolConfig({ servers: [entry], upstream });
  return new UpstreamServer(pool.servers[0], 3, pool.upstream, context, previous?.connections);
}

describe("UpstreamServer", () => {
  it.each([
    ["10.0.0.1:80", { host: "10.0.0.1", port: 80 }, "10.0.0.1:80"],
    ["[2001:db8::1]:80", { host: "2001:db8::1", port: 80 }, "[2001:db8::1]:80"],
    ["backend.example:8080", { host: "backend.example", port: 8080 }, "backend.example:8080"],
    ["unix:/run/app.sock", { path: "/run/app.sock" }, "localhost"],
  ])("knows where %s is and how it is called", (address, target, authority) => {
    const server = serverOf(address);
    expect([server.connections.address, server.authority, server.connections.slot]).toEqual([target, authority, 3]);
  });

  it("is named by its address unless it has an id", () => {
    expect(serverOf("10.0.0.1:80").id).toBe("10.0.0.1:80");
    expect(serverOf({ address: "10.0.0.1:80", id: "a", weight: 5, zone: "z", maxConnections: 7 })).toMatchObject({
      id: "a",
      slot: 3,
      weight: 5,
      zone: "z",
      maxConnections: 7,
    });
  });

  it("takes over earlier connections, which keep to the new settings", () => {
    const before = serverOf("10.0.0.1:80");
    const after = serverOf({ address: "10.0.0.1:80", weight: 2 }, before, { maxIdle: 77 });
    expect(after.connections).toBe(before.connections);
    expect(before.connections.config.maxIdle).toBe(77);
  });

  it.each([
    ["another protocol", { protocol: "h2c" }, {}],
    ["TLS", { tls: {} }, {}],
    ["none any more", {}, { tls: {} }],
    ["another name", { tls: { serverName: "a.example" } }, { tls: { serverName: "b.example" } }],
  ])("begins anew when %s is to be spoken", (_, now, then) => {
    const before = serverOf("10.0.0.1:80", undefined, then);
    expect(serverOf("10.0.0.1:80", before, now).connections).not.toBe(before.connections);
    const again = serverOf("10.0.0.1:80", before, then);
    expect(again.connections).toBe(before.connections);
  });
});
