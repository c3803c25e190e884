import { Type } from "typebox";
import { expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { defineProbe } from "../core/extension.ts";
import { normaliseConfig } from "./normalise.ts";

const anyProbe = (name: string) =>
  defineProbe({ name, summary: "Test check.", schema: Type.Object({}), run: async () => ({ outcome: "healthy" }) });

/** What is said about a pool with this `upstream`. */
function lines(upstream: object, servers: readonly string[] = ["a:1"], others: object = {}): string[] {
  const { problems } = normaliseConfig(
    { listeners: { web: { listen: "127.0.0.1:1", pool: "p" } }, pools: { p: { servers, upstream, ...others } } },
    { extensions: { algorithms, filters: [], probes: [anyProbe("http"), anyProbe("grpc")], discoveries: [] } },
  );
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

it.each<[string, object]>([
  ["nothing said", {}],
  ["HTTP/1.1 over TLS", { tls: {} }],
  ["HTTP/2 over TLS", { protocol: "http2", tls: {} }],
  ["HTTP/2 in the clear", { protocol: "h2c" }],
  ["what the server chooses", { protocol: "auto", tls: { ca: ["ca.pem"], serverName: "a.example" } }],
  ["a client certificate", { tls: { cert: "a.pem", key: "a.key", minVersion: "TLSv1.3" } }],
])("accepts %s", (_, upstream) => {
  expect(lines(upstream)).toEqual([]);
});

it.each<[string, object, string]>([
  ["http2 without tls", { protocol: "http2" }, "error pools.p.upstream.protocol: http2 is spoken over TLS"],
  ["auto without tls", { protocol: "auto" }, "error pools.p.upstream.protocol: auto lets the TLS handshake decide"],
  ["h2c with tls", { protocol: "h2c", tls: {} }, "error pools.p.upstream.protocol: h2c is HTTP/2 without TLS"],
  ["cert without key", { tls: { cert: "a.pem" } }, "error pools.p.upstream.tls.cert: the private key is missing"],
  ["key without cert", { tls: { key: "a.key" } }, "error pools.p.upstream.tls.key: the certificate is missing"],
  ["no verification", { tls: { verify: false } }, "warning pools.p.upstream.tls.verify: the servers' certificates"],
  ["an unknown protocol", { protocol: "http3" }, "error pools.p.upstream.protocol: "],
  ["an old version", { tls: { minVersion: "TLSv1.1" } }, "error pools.p.upstream.tls.minVersion: "],
  ["no streams", { protocol: "h2c", maxStreams: 0 }, "error pools.p.upstream.maxStreams: "],
  ["a name that is none", { tls: { serverName: "a b" } }, "error pools.p.upstream.tls.serverName: "],
])("says what is wrong with %s", (_, upstream, start) => {
  expect(lines(upstream)).toEqual([expect.stringContaining(start)]);
});

it("warns of authorities that nobody asks", () => {
  expect(lines({ tls: { verify: false, ca: ["ca.pem"] } })).toContain(
    "warning pools.p.upstream.tls.ca: has no effect, because `verify` is off",
  );
});

/** What is said about a pool that is checked like this. */
function checked(upstream: object, healthCheck: object): string[] {
  return lines(upstream, ["a:1"], { healthCheck });
}

it("warns of health checks that speak something else than the pool", () => {
  expect(checked({ protocol: "h2c" }, { type: "http" })).toEqual([
    "warning pools.p.healthCheck: the check speaks HTTP/1.1 in the clear, the pool does not: `grpc` or `tcp` may be meant",
  ]);
  expect(checked({ tls: {} }, { type: "http" })).toEqual([expect.stringContaining("`https`, `tls` or `grpc`")]);
  expect(checked({ protocol: "h2c" }, { type: "grpc" })).toEqual([]);
  expect(checked({ protocol: "h2c" }, { type: "http", port: 8080 })).toEqual([]);
  expect(checked({}, { type: "http" })).toEqual([]);
});

it("wants a name for a server at a unix socket", () => {
  const servers = ["unix:/run/a.sock"];
  expect(lines({ tls: {} }, servers)).toEqual([
    expect.stringContaining("error pools.p.upstream.tls: a server at a unix"),
  ]);
  expect(lines({ tls: { serverName: "a.example" } }, servers)).toEqual([]);
});
