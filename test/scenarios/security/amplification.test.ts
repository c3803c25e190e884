import { expect, it } from "vitest";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { openDescriptors, residentBytes } from "../../support/process-usage.ts";
import { serverCounters, startProxy, waitForQuiet } from "../../support/proxy.ts";
import { exchange, RawClient } from "../../support/raw-client.ts";
import { answerOk, type OriginScript, type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";
import { waitFor } from "../../support/wait.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const MIB = 1024 * 1024;

/** Below /500 an error, below /never nothing, else 200. */
const scripted: OriginScript = (request, connection) => {
  if (request.target === "/never") return;
  if (request.target === "/500") return connection.send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
  answerOk(request, connection);
};

const origins = (count: number) => Promise.all(Array.from({ length: count }, () => startRawOrigin(scripted)));
const addresses = (list: readonly RawOrigin[]) => list.map(({ address }) => address);
const tries = (list: readonly RawOrigin[], target: string) =>
  list.reduce((sum, { requests }) => sum + requests.filter((request) => request.target === target).length, 0);

async function outOf(evenkeel: Evenkeel): Promise<number> {
  const { servers } = (await evenkeel.admin("/api/v2/pools/web")) as { servers: { state: string }[] };
  return servers.filter(({ state }) => state !== "up").length;
}

it.each([
  ["two servers", 2, {}],
  ["three servers, with hedged requests", 3, { hedging: {} }],
  ["twelve servers", 12, {}],
])("one client that asks for nothing but errors takes out one server at most: of %s", async (_, count, pool) => {
  const list = await origins(count as number);
  const evenkeel = await startProxy(addresses(list), { pool: { algorithm: "round_robin", ...(pool as object) } });
  const client = await RawClient.connect(evenkeel.port());
  let most = 0;
  for (let i = 0; i < 120; i++) {
    await client.send(GET.replace("/ ", "/500 "));
    expect((await client.response()).status).toBe(500);
    if (i % 20 === 0) most = Math.max(most, await outOf(evenkeel));
    expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
  }
  expect(most).toBeLessThanOrEqual(1);
  // Each request may be tried three times, and all together a fifth more than there are, beside three a second.
  expect(tries(list, "/500")).toBeLessThanOrEqual(120 + 0.2 * 240 + 3 * 10 + 1);
});

it("a request is tried so many times at most, however generous the budget is", async () => {
  const list = await origins(6);
  const retries = { attempts: 3, minRetriesPerSecond: 100_000, backoff: "1ms", maxBackoff: "2ms" };
  const evenkeel = await startProxy(addresses(list), {
    pool: { retries, hedging: { minDelay: "0ms", percentile: 50, budget: "100%" }, outlierDetection: false },
  });
  for (let i = 0; i < 50; i++) await exchange(evenkeel.port(), GET.replace("/ ", "/500 "));
  // The first one, three further ones, and the second one of a hedged request.
  expect(tries(list, "/500")).toBeLessThanOrEqual(50 * 5);
  expect(tries(list, "/500")).toBeGreaterThanOrEqual(50 * 4);
});

it(
  "five hundred bodies that are kept for another try cost so much memory and no more",
  { timeout: 30_000 },
  async () => {
    const list = await origins(3);
    for (const origin of list) origin.script = (_, connection) => void setTimeout(() => connection.reset(), 300);
    const retries = { minRetriesPerSecond: 100_000, bufferLimit: "64KiB", backoff: "100ms" };
    const evenkeel = await startProxy(addresses(list), { pool: { retries, outlierDetection: false } });
    const before = residentBytes(evenkeel.pid);
    const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.connect(evenkeel.port())));
    const body = "x".repeat(65_536);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentBytes(evenkeel.pid))), 20);
    const statuses = await Promise.all(
      clients.map(async (client) => {
        await client.send(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n${body}`);
        return (await client.response("GET", 20_000)).status;
      }),
    );
    clearInterval(watch);
    expect(new Set(statuses)).toEqual(new Set([502]));
    // 32 MiB of bodies, buffers that are being written, and what the collector has not looked at yet.
    expect(most - before).toBeLessThan(250 * MIB);
    await waitForQuiet(evenkeel);
    expect((await serverCounters(evenkeel)).map(({ connections }) => connections)).toEqual([0, 0, 0]);
  },
);

it(
  "a flood of requests for full servers is bounded, and leaves room as soon as it is over",
  { timeout: 30_000 },
  async () => {
    const list = await origins(2);
    const servers = list.map(({ address }) => ({ address, maxConnections: 2 }));
    const evenkeel = await startProxy(servers, {
      pool: { queue: { limit: 50, timeout: "500ms" }, outlierDetection: false },
      upstream: { responseTimeout: "1s" },
    });
    const before = residentBytes(evenkeel.pid);
    const flood = await Promise.all(Array.from({ length: 1000 }, () => RawClient.connect(evenkeel.port())));
    await Promise.all(flood.map((client) => client.send(GET.replace("/ ", "/never ").repeat(20))));
    const refused = await waitFor("those that have no place to be refused", () => {
      return flood.filter((client) => client.unread.includes("503")).length >= 990 && flood;
    });
    const codes = refused.map((client) => /"code":"(\w+)"/.exec(client.unread.toString())?.[1]);
    expect(codes.filter((code) => code === "queue_full").length).toBeGreaterThan(800);
    expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }] });
    expect(residentBytes(evenkeel.pid) - before).toBeLessThan(150 * MIB);
    for (const client of flood) client.reset();
    // What waits behind a request is not read, so that those who left are noticed when the server's time is over.
    await waitForQuiet(evenkeel);
    await waitFor("the first good answer", async () => (await exchange(evenkeel.port(), GET)).status === 200);
    await waitFor("descriptors to be given back", () => openDescriptors(evenkeel.pid) < 100);
  },
);

it(
  "slow uploads and clients that leave do not shrink the limit that follows latency",
  { timeout: 30_000 },
  async () => {
    const list = await origins(1);
    const evenkeel = await startProxy(addresses(list), { pool: { adaptiveConcurrency: {} } });
    for (let i = 0; i < 100; i++) expect((await exchange(evenkeel.port(), GET)).status).toBe(200);
    const slow = await Promise.all(Array.from({ length: 12 }, () => RawClient.connect(evenkeel.port())));
    for (let turn = 0; turn < 6; turn++) {
      await Promise.all(
        slow.map(async (client) => {
          await client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
          await new Promise((resolve) => setTimeout(resolve, 300));
          await client.send("cd");
          expect((await client.response()).status).toBe(200);
        }),
      );
    }
    const answers = await Promise.all(Array.from({ length: 15 }, () => exchange(evenkeel.port(), GET)));
    expect(answers.map(({ status }) => status).filter((status) => status !== 200)).toEqual([]);
  },
);

it.each([
  ["requestTimeout", { upstream: { requestTimeout: 1 } }],
  // It does not end the last try, which the answer's own time does.
  [
    "tryTimeout",
    { pool: { retries: { tryTimeout: 1, minRetriesPerSecond: 10_000 } }, upstream: { responseTimeout: 200 } },
  ],
  ["responseTimeout", { upstream: { responseTimeout: 1 } }],
])("a %s of a millisecond makes errors and no harm", async (_, options) => {
  const list = await origins(3);
  const evenkeel = await startProxy(addresses(list), { workers: 2, ...options });
  const clients = await Promise.all(Array.from({ length: 30 }, () => RawClient.connect(evenkeel.port())));
  await Promise.all(
    clients.map(async (client) => {
      for (let i = 0; i < 10; i++) {
        await client.send(i % 3 === 0 ? GET.replace("/ ", "/never ") : GET);
        expect([200, 502, 503, 504]).toContain((await client.response()).status);
      }
    }),
  );
  await waitForQuiet(evenkeel);
  expect(await outOf(evenkeel)).toBeLessThanOrEqual(1);
  expect(await evenkeel.admin("/api/v2/status")).toMatchObject({ workers: [{ restarts: 0 }, { restarts: 0 }] });
});
