import { beforeAll, describe, expect, it } from "vitest";
import { type Evenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { exchange, type RawResponse } from "../support/raw-client.ts";
import { type OriginScript, type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";

const named =
  (name: string): OriginScript =>
  (request, connection) => {
    const body = `${name} ${request.headers["host"]} ${request.target}`;
    connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  };

let evenkeel: Evenkeel;

beforeAll(async () => {
  const origins: RawOrigin[] = [];
  const pools: Record<string, unknown> = {};
  for (const name of ["main", "api", "beta", "stable", "canary"]) {
    const origin = await startRawOrigin(named(name));
    origins.push(origin);
    pools[name] = { servers: [origin.address] };
  }
  const routes = [
    {
      match: { host: "old.example", path: "/move/*" },
      redirect: { status: 301, scheme: "https", host: "new.example" },
    },
    { match: { path: "/gone" }, respond: { status: 410, headers: { "X-Why": "moved" }, body: "gone" } },
    { match: { host: "*.api.example" }, pool: "api" },
    { match: { path: "/api/*", methods: ["GET", "POST"] }, rewrite: { stripPrefix: "/api" }, pool: "api" },
    { match: { path: "/added" }, rewrite: { addPrefix: "/v1", host: "inner.example" }, pool: "main" },
    { match: { path: "~^/item/([0-9]+)$" }, rewrite: { regex: "^/item/([0-9]+)$", to: "/show/$1/full" }, pool: "main" },
    { match: { headers: { "x-beta": "true" } }, pool: "beta" },
    { match: { cookies: { beta: "1" } }, pool: "beta" },
    { match: { query: { beta: "yes" } }, pool: "beta" },
    { match: { path: "/nobody", client: ["192.0.2.0/24"] }, pool: "beta" },
    {
      match: { path: "/split" },
      split: [
        { pool: "stable", weight: 90 },
        { pool: "canary", weight: 10 },
      ],
    },
    { pool: "main" },
  ];
  evenkeel = await startEvenkeel({
    config: { workers: 1, listeners: { web: { listen: "127.0.0.1:0", routes } }, pools },
  });
});

function get(target: string, host = "www.example", ...lines: string[]): Promise<RawResponse> {
  return ask("GET", target, host, ...lines);
}

function ask(method: string, target: string, host: string, ...lines: string[]): Promise<RawResponse> {
  return exchange(
    evenkeel.port(),
    `${[`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines].join("\r\n")}\r\n\r\n`,
    method,
  );
}

describe("routes", () => {
  it.each([
    ["the last route takes the rest", "/x?y", "www.example", [], "main www.example /x?y"],
    ["by host, any depth", "/", "a.b.api.example", [], "api a.b.api.example /"],
    ["a host in upper case with a port and a final dot", "/", "A.API.EXAMPLE.:80", [], /^api /],
    ["not the bare domain of a wildcard", "/", "api.example", [], /^main /],
    ["by path prefix, which is stripped", "/api/users?x=1", "www.example", [], "api www.example /users?x=1"],
    ["the prefix alone", "/api/", "www.example", [], "api www.example /"],
    ["not a longer segment", "/apis/x", "www.example", [], /^main /],
    ["by the normalised path", "/x/../api//users", "www.example", [], "api www.example /users"],
    ["by the decoded path", "/%61pi/users", "www.example", [], "api www.example /users"],
    ["by header", "/", "www.example", ["X-Beta: true"], /^beta /],
    ["not by another value", "/", "www.example", ["X-Beta: false"], /^main /],
    ["by cookie among others", "/", "www.example", ["Cookie: a=b; beta=1; c=d"], /^beta /],
    ["by query", "/?a=b&beta=yes", "www.example", [], /^beta /],
    ["not by client when it is another", "/nobody", "www.example", [], /^main /],
    ["a prefix and another host are added", "/added?x", "www.example", [], "main inner.example /v1/added?x"],
    ["a regular expression rewrites", "/item/42", "www.example", [], "main www.example /show/42/full"],
    ["absolute-form counts, not Host", "http://x.api.example/", "www.example", [], "api x.api.example /"],
  ] as const)("%s", async (_, target, host, lines, expected) => {
    const response = await get(target, host, ...lines);
    expect(response.status).toBe(200);
    if (typeof expected === "string") expect(response.body.toString()).toBe(expected);
    else expect(response.body.toString()).toMatch(expected);
  });

  it("by method", async () => {
    expect((await ask("POST", "/api/x", "www.example")).body.toString()).toMatch(/^api /);
    expect((await ask("DELETE", "/api/x", "www.example")).body.toString()).toMatch(/^main /);
  });

  it("redirect", async () => {
    const response = await get("/move/a?b=c", "old.example");
    expect(response.status).toBe(301);
    expect(response.headers["location"]).toBe("https://new.example/move/a?b=c");
  });

  it("answer by themselves", async () => {
    const response = await get("/gone");
    expect(response.status).toBe(410);
    expect(response.headers["x-why"]).toBe("moved");
    expect(response.body.toString()).toBe("gone");
    const head = await ask("HEAD", "/gone", "www.example");
    expect(head.headers["content-length"]).toBe("4");
  });

  it("split by weight", async () => {
    const counts: Record<string, number> = { stable: 0, canary: 0 };
    for (let i = 0; i < 1000; i++) counts[(await get("/split")).body.toString().split(" ")[0]]++;
    // Binomial with p = 0.1: six standard deviations are 57.
    expect(counts["canary"]).toBeGreaterThan(43);
    expect(counts["canary"]).toBeLessThan(157);
    expect(counts["stable"] + counts["canary"]).toBe(1000);
  });
});
