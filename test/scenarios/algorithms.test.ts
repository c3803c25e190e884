import { beforeAll, describe, expect, it } from "vitest";
import { type Evenkeel, startEvenkeel } from "../support/evenkeel.ts";
import { startProxy } from "../support/proxy.ts";
import { exchange, RawClient } from "../support/raw-client.ts";
import { answerOk, type OriginScript, type RawOrigin, startRawOrigin } from "../support/raw-origin.ts";
import { waitFor } from "../support/wait.ts";
import { algorithms } from "../../src/core/balancing/registry.ts";

const get = (path = "/", ...lines: string[]) => `${[`GET ${path} HTTP/1.1`, "Host: a", ...lines].join("\r\n")}\r\n\r\n`;

const slow =
  (ms: number): OriginScript =>
  (request, connection) =>
    setTimeout(() => answerOk(request, connection), ms);

const reporting =
  (utilisation: number): OriginScript =>
  (_, connection) =>
    connection.send(
      `HTTP/1.1 200 OK\r\nendpoint-load-metrics: TEXT cpu_utilization=${utilisation}\r\nContent-Length: 2\r\n\r\nok`,
    );

/** Sends requests over a few connections at a time; the share of each origin. */
async function shares(
  evenkeel: Evenkeel,
  origins: readonly RawOrigin[],
  count: number,
  request: (i: number) => string,
  clients = 1,
): Promise<number[]> {
  const before = origins.map((origin) => origin.requests.length);
  let sent = 0;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = await RawClient.connect(evenkeel.port());
      while (sent < count) {
        await client.send(request(sent++));
        expect((await client.response()).status).toBe(200);
      }
      client.socket.destroy();
    }),
  );
  return origins.map((origin, i) => (origin.requests.length - before[i]) / count);
}

function startOrigins(scripts: readonly OriginScript[] = [answerOk, answerOk, answerOk]): Promise<RawOrigin[]> {
  return Promise.all(scripts.map((script) => startRawOrigin(script)));
}

const byTime = new Set(["least_response_time", "peak_ewma", "prequal", "dynamic_weighted_round_robin"]);

/** One program with a pool per algorithm over the same servers; the host of a request names the algorithm. */
async function startAllAlgorithms(servers: readonly unknown[]): Promise<Evenkeel> {
  const pools = algorithms.map(({ name, usesHashKey }) => {
    return [name, { algorithm: usesHashKey ? { name, key: "path" } : name, servers }] as const;
  });
  const routes = algorithms.map(({ name }) => ({ match: { host: `${name}.example` }, pool: name }));
  const listeners = { web: { listen: "127.0.0.1:0", routes } };
  return startEvenkeel({ config: { workers: 1, listeners, pools: Object.fromEntries(pools) } });
}

const ask = (algorithm: string, path: string) => `GET ${path} HTTP/1.1\r\nHost: ${algorithm}.example\r\n\r\n`;

describe("every algorithm, from the configuration, over three live servers", () => {
  let origins: RawOrigin[];
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    origins = await startOrigins();
    evenkeel = await startAllAlgorithms(origins.map(({ address }) => address));
  });

  it.each(algorithms.map(({ name }) => name))("%s spreads the requests", async (name) => {
    const [a, b, c] = await shares(evenkeel, origins, 600, (i) => ask(name, `/${i}`), 6);
    expect(a + b + c).toBeCloseTo(1);
    // first_available fills one server before the next on purpose; all others use all three.
    if (name === "first_available") expect(a).toBe(1);
    else for (const share of [a, b, c]) expect(share).toBeGreaterThan(byTime.has(name) ? 0.001 : 0.1);
  });

  it("all go to the one that is left when two are gone", async () => {
    await origins[0].stop();
    await origins[1].stop();
    for (const { name } of algorithms) {
      for (let i = 0; i < 30; i++) {
        expect((await exchange(evenkeel.port(), ask(name, `/${i}`))).status, name).toBe(200);
      }
    }
  });
});

describe("shares follow weights", () => {
  const weights = [1, 2, 5];
  let origins: RawOrigin[];
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    // Answers take a moment, so that there are connections to count.
    origins = await startOrigins([slow(10), slow(10), slow(10)]);
    evenkeel = await startAllAlgorithms(origins.map(({ address }, i) => ({ address, weight: weights[i] })));
  });

  it.each(["weighted_round_robin", "weighted_random", "weighted_least_connections", "dynamic_weighted_round_robin"])(
    "%s",
    async (name) => {
      const result = await shares(evenkeel, origins, 1600, () => ask(name, "/"), 16);
      for (const [i, share] of result.entries()) {
        expect(share, `server ${i}`).toBeGreaterThan((weights[i] / 8) * 0.6);
        expect(share, `server ${i}`).toBeLessThan((weights[i] / 8) * 1.6);
      }
    },
  );

  it("a weight of 0 takes no new work", async () => {
    const origins = await startOrigins();
    const evenkeel = await startProxy([
      origins[0].address,
      { address: origins[1].address, weight: 0 },
      origins[2].address,
    ]);
    const [, none] = await shares(evenkeel, origins, 100, () => get());
    expect(none).toBe(0);
  });
});

describe("the same key goes to the same server", () => {
  it.each([
    ["header", "header:x-user", (key: string) => get("/", `X-User: ${key}`)],
    ["cookie", "cookie:user", (key: string) => get("/", `Cookie: a=b; user=${key}`)],
    ["query", "query:user", (key: string) => get(`/?user=${key}`)],
    ["path", "path", (key: string) => get(`/${key}?x=${key}`)],
  ] as const)("by %s, in every worker", async (_, key, request) => {
    const origins = await startOrigins();
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      { workers: 2, pool: { algorithm: { name: "consistent_hash", key, boundedLoad: 0 } } },
    );
    const users = Array.from({ length: 40 }, (_unused, i) => `user${i}`);
    const where = async (user: string): Promise<number> => {
      const before = origins.map((origin) => origin.requests.length);
      await exchange(evenkeel.port(), request(user));
      return origins.findIndex((origin, i) => origin.requests.length > before[i]);
    };
    const first = [];
    for (const user of users) first.push(await where(user));
    expect(new Set(first).size).toBe(3);
    for (let round = 0; round < 3; round++) {
      for (const [i, user] of users.entries()) expect(await where(user), user).toBe(first[i]);
    }
  });

  it("and most keys stay where they are when a server is gone", async () => {
    const origins = await startOrigins();
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      { pool: { algorithm: { name: "maglev", key: "path" } } },
    );
    const where = async (i: number): Promise<number> => {
      const before = origins.map((origin) => origin.requests.length);
      expect((await exchange(evenkeel.port(), get(`/${i}`))).status).toBe(200);
      return origins.findIndex((origin, j) => origin.requests.length > before[j]);
    };
    const first = [];
    for (let i = 0; i < 60; i++) first.push(await where(i));
    await origins[2].stop();
    for (let i = 0; i < 60; i++) if (first[i] !== 2) expect(await where(i)).toBe(first[i]);
  });
});

describe("algorithms that look at the servers", () => {
  it.each(["least_connections", "least_response_time", "peak_ewma", "power_of_two_choices", "prequal"])(
    "%s spares a slow server",
    async (algorithm) => {
      const origins = await startOrigins([slow(2), slow(60), slow(2)]);
      const evenkeel = await startProxy(
        origins.map(({ address }) => address),
        { pool: { algorithm } },
      );
      const [a, b, c] = await shares(evenkeel, origins, 900, () => get(), 12);
      expect(b).toBeLessThan(0.22);
      expect(Math.min(a, c)).toBeGreaterThan(b);
    },
  );

  it("resource_based follows the utilisation that servers report", async () => {
    const origins = await startOrigins([reporting(0.1), reporting(0.95), reporting(0.1)]);
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      { pool: { algorithm: { name: "resource_based", blackout: "200ms", updateInterval: "50ms" } } },
    );
    await waitFor("the reports to count", async () => {
      const [, busy] = await shares(evenkeel, origins, 300, () => get(), 4);
      return busy < 0.2;
    });
  });
});
