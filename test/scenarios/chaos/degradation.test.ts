import { beforeAll, describe, expect, it } from "vitest";
import { type ChaosOrigin, startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { type Evenkeel, startEvenkeel } from "../../support/evenkeel.ts";
import { startProxy } from "../../support/proxy.ts";
import { exchange } from "../../support/raw-client.ts";
import { waitFor } from "../../support/wait.ts";

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n`;

/** Status and, for errors of the balancer's own, the code. */
async function ask(evenkeel: Evenkeel, path: string): Promise<string> {
  const { status, body, headers } = await exchange(evenkeel.port(), get(path));
  if (status === 200) return headers["x-server"] ?? "200";
  const code = /"code": *"([^"]+)"/.exec(body.toString())?.[1];
  return code === undefined ? `${status} ${body.toString()}` : `${status} ${code}`;
}

async function ready(evenkeel: Evenkeel, pool: string): Promise<number> {
  return ((await evenkeel.admin(`/api/v2/pools/${pool}`)) as { ready: number }).ready;
}

const check = {
  healthCheck: { type: "http", path: "/health", interval: "200ms", unhealthyInterval: "200ms", timeout: "1s" },
};

describe("ten servers of which fewer and fewer are ready", () => {
  const importances = ["low", "normal", "critical"] as const;
  let origins: ChaosOrigin[];
  let fallback: ChaosOrigin[];
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    origins = await startChaosOrigins(10, { latency: 1 });
    fallback = await startChaosOrigins(1, { latency: 1 });
    const servers = origins.map(({ address }) => address);
    const degradation = { answer: { status: 503, body: "We will be back soon." } };
    const routes = importances.map((importance) => ({ match: { path: `/${importance}` }, importance, pool: "staged" }));
    const config = {
      workers: 2,
      listeners: {
        web: { listen: "127.0.0.1:0", routes: [...routes, { match: { path: "/fallback" }, pool: "falling" }] },
      },
      pools: {
        staged: { servers, ...check, degradation },
        falling: { servers, ...check, minimumHealthy: 4, fallbackPool: "reserve" },
        reserve: { servers: fallback.map(({ address }) => address) },
      },
    };
    evenkeel = await startEvenkeel({ config });
  });

  const refused = "503 We will be back soon.";
  it.each([
    [10, { low: true, normal: true, critical: true, fallback: false }],
    [6, { low: false, normal: true, critical: true, fallback: false }],
    [2, { low: false, normal: false, critical: true, fallback: true }],
    [0, { low: false, normal: false, critical: false, fallback: true }],
  ])("%i ready", async (count, expected) => {
    await Promise.all(origins.slice(count).map((origin) => origin.kill()));
    const settled = async () =>
      (await ready(evenkeel, "staged")) === count && (await ready(evenkeel, "falling")) === count;
    await waitFor(`${count} ready servers`, settled, 15_000);
    const own = new Set(origins.slice(0, count).map(({ name }) => name));
    // Each worker has to know; which of them takes a connection is the kernel's choice.
    for (let i = 0; i < 12; i++) {
      for (const importance of importances) {
        const answer = await ask(evenkeel, `/${importance}`);
        if (expected[importance]) expect(own).toContain(answer);
        else expect(answer).toBe(refused);
      }
      // The reserve's only server is an "a" too; its journal tells whose answer it was.
      const before = fallback[0].journal().length;
      const marked = get("/fallback").replace("\r\n\r\n", `\r\nX-Test-Id: f${i}\r\n\r\n`);
      expect((await exchange(evenkeel.port(), marked)).status).toBe(200);
      expect(fallback[0].journal().length > before).toBe(expected.fallback);
    }
    report(`degradation, ${count} of 10 ready`, {
      low: expected.low ? "served" : refused,
      normal: expected.normal ? "served" : refused,
      critical: expected.critical ? "served" : refused,
      "pool with minimumHealthy 4": expected.fallback ? "its fallback pool" : "itself",
    });
  });

  it("all ready again", async () => {
    await Promise.all(origins.map((origin) => origin.start()));
    await waitFor("ten ready servers", async () => (await ready(evenkeel, "staged")) === 10, 15_000);
    for (let i = 0; i < 12; i++)
      for (const name of importances) expect(await ask(evenkeel, `/${name}`)).toMatch(/^[a-j]$/);
  });
});

describe("a pool whose servers all fail their checks but still answer", () => {
  const strict = { ...check, healthCheck: { ...check.healthCheck, expectedStatus: 204 } };
  it.each([
    [true, /^[abc]$/],
    [false, /^503 no_server$/],
  ])("failOpen: %s", async (failOpen, expected) => {
    const origins = await startChaosOrigins(3, { latency: 1 });
    const evenkeel = await startProxy(
      origins.map(({ address }) => address),
      { workers: 2, pool: { ...strict, failOpen, panicThreshold: 0 } },
    );
    await waitFor("all checks to have failed", async () => (await ready(evenkeel, "web")) === 0);
    for (let i = 0; i < 20; i++) expect(await ask(evenkeel, "/")).toMatch(expected);
  });
});
