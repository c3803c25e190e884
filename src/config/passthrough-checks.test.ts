import { describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { normaliseConfig } from "./normalise.ts";

const filter = { kind: "filter" as const, name: "headers", summary: "", schema: {}, create: () => ({}) };

/** What is said about a listener with these settings, in front of a pool with these. */
function lines(listener: object, pool: object = {}): string[] {
  const { problems } = normaliseConfig(
    { listeners: { web: { listen: "127.0.0.1:1", ...listener } }, pools: { p: { servers: ["a:1"], ...pool } } },
    { extensions: { algorithms, filters: [filter] } },
  );
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

const passthrough = { tls: { passthrough: true } };
const to = (route: object) => ({ ...passthrough, routes: [{ pool: "p", ...route }] });

describe("a listener with passthrough", () => {
  it.each<[string, object]>([
    ["a pool", { ...passthrough, pool: "p" }],
    ["names and clients", to({ match: { sni: ["a.test", "*.b.test"], client: ["10.0.0.0/8"] } })],
    ["a split", { ...passthrough, routes: [{ split: [{ pool: "p", weight: 1 }] }] }],
    [
      "its own times and limits",
      { tls: { passthrough: true, handshakeTimeout: "3s" }, limits: { maxConnections: 9 }, pool: "p" },
    ],
    ["an idle timeout", { ...passthrough, limits: { tunnelIdleTimeout: "5m" }, pool: "p" }],
    ["importance", to({ importance: "low", name: "n" })],
    ["HTTP/2 off, which it is", { ...passthrough, http2: "off", pool: "p" }],
    [
      "settings that are as usual",
      { tls: { passthrough: true, minVersion: "TLSv1.2", ocspStapling: true }, pool: "p" },
    ],
  ])("may have %s", (_, listener) => {
    expect(lines(listener)).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      "host",
      to({ match: { host: "a.test" } }),
      "routes[0].match.host: with `passthrough` nothing is decrypted: use `sni`",
    ],
    [
      "path",
      to({ match: { sni: "a.test", path: "/a" } }),
      "routes[0].match.path: with `passthrough` nothing is decrypted: only",
    ],
    ["methods", to({ match: { methods: ["GET"] } }), "routes[0].match.methods: with `passthrough`"],
    ["headers", to({ match: { headers: { a: "b" } } }), "routes[0].match.headers: with `passthrough`"],
    ["filters", to({ filters: ["headers"] }), "routes[0].filters: with `passthrough`"],
    ["rewrite", to({ rewrite: { path: "/" } }), "routes[0].rewrite: with `passthrough`"],
    ["redirect", { ...passthrough, routes: [{ redirect: { scheme: "https" } }] }, "routes[0].redirect: with"],
    ["respond", { ...passthrough, routes: [{ respond: { status: 200 } }] }, "routes[0].respond: with"],
    [
      "certificates",
      { tls: { passthrough: true, certificates: [{ cert: "a", key: "b" }] }, pool: "p" },
      "tls.certificates: with `passthrough` nothing is decrypted: the servers' own",
    ],
    [
      "acme",
      { tls: { passthrough: true, acme: { domains: ["a.test"], agreeToTerms: true } }, pool: "p" },
      "tls.acme: with",
    ],
    [
      "client certificates",
      { tls: { passthrough: true, clientCertificates: { ca: "ca.pem" } }, pool: "p" },
      "tls.clientCertificates: with",
    ],
    ["versions", { tls: { passthrough: true, minVersion: "TLSv1.3" }, pool: "p" }, "tls.minVersion: with"],
    ["tickets", { tls: { passthrough: true, sessionTickets: "off" }, pool: "p" }, "tls.sessionTickets: with"],
    ["settings of HTTP/2", { ...passthrough, http2: { maxStreams: 9 }, pool: "p" }, "http2: with"],
    ["forwarded", { ...passthrough, forwarded: true, pool: "p" }, "forwarded: with"],
    ["trusted proxies", { ...passthrough, trustedProxies: ["10.0.0.0/8"], pool: "p" }, "trustedProxies: with"],
  ])("may not have %s", (_, listener, start) => {
    const found = lines(listener).filter((line) => line.includes("passthrough"));
    expect(found).toEqual([expect.stringContaining(`error listeners.web.${start}`)]);
  });

  it("is warned of what has no effect", () => {
    expect(lines({ ...passthrough, limits: { maxHeadSize: "1KiB" }, pool: "p" })).toEqual([
      "warning listeners.web.limits.maxHeadSize: no effect: with `passthrough` nothing is decrypted",
    ]);
    const pool = { algorithm: { name: "consistent_hash", key: "cookie:user" } };
    expect(lines({ ...passthrough, pool: "p" }, pool)).toEqual([
      expect.stringContaining("warning pools.p.algorithm: `key: cookie:user` needs a request's head"),
    ]);
    for (const key of ["client", "host"])
      expect(lines({ ...passthrough, pool: "p" }, { algorithm: { name: "consistent_hash", key } })).toEqual([]);
  });
});

it("warns of names on a listener that nobody asks for one", () => {
  expect(lines({ routes: [{ match: { sni: "a.test" }, pool: "p" }] })).toEqual([
    "warning listeners.web.routes[0].match.sni: the listener has no `tls`: no client asks for a name",
  ]);
});

it("says that nothing behind a route for any name is reached", () => {
  expect(lines({ ...passthrough, routes: [{ match: { sni: "*" }, pool: "p" }, { pool: "p" }] })).toEqual([
    "warning listeners.web.routes[1]: never reached: routes[0] takes everything before it",
  ]);
});
