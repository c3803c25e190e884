import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { dueIn, failuresOf, latencies, percentile } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { atEnd } from "../../support/cleanup.ts";
import { startProxy, webConfig } from "../../support/proxy.ts";
import { waitFor } from "../../support/wait.ts";

const SERVERS = 1000;
const INTERVAL = 2000;

/** A server on every address of 127.0.0.0/8, for a thousand of them. */
async function startEverywhere() {
  let checks = 0;
  let well = true;
  const server = createServer((_, response) => {
    checks++;
    response.statusCode = well ? 200 : 500;
    response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen({ host: "0.0.0.0", port: 0, backlog: 2048 }, resolve));
  atEnd(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    addresses: Array.from({ length: SERVERS }, (_, i) => `127.77.${i >> 8}.${i & 255}:${port}`),
    checks: () => checks,
    sicken: () => (well = false),
  };
}

it("checks of a thousand servers every 2 s do not disturb traffic", { timeout: 90_000 }, async () => {
  const origins = await startChaosOrigins(3);
  const everywhere = await startEverywhere();
  const servers = origins.map(({ address }) => address);
  const evenkeel = await startProxy(servers, { workers: 2 });
  const load = await startMixedLoad(evenkeel.port(), { rate: 400 });
  const first = await load.goOn(2000);
  const before = { from: first, to: await load.goOn(5000) };

  const healthCheck = {
    type: "http",
    path: "/health",
    interval: INTERVAL,
    unhealthyInterval: INTERVAL,
    unknownInterval: INTERVAL,
    timeout: "1s",
  };
  const config = webConfig(servers, { workers: 2 }) as { pools: Record<string, unknown> };
  const listed = evenkeel.log.length;
  evenkeel.writeConfig({ ...config, pools: { ...config.pools, many: { servers: everywhere.addresses, healthCheck } } });
  await evenkeel.waitForLog(/configuration 2 is in use/, listed);
  await waitFor("each server to have been checked", () => everywhere.checks() >= SERVERS, 15_000);
  const counted = everywhere.checks();
  const checked = await load.goOn(1000);
  const begun = everywhere.checks();
  const with1000 = { from: checked, to: await load.goOn(6000) };
  const perSecond = ((everywhere.checks() - begun) * 1000) / (with1000.to - with1000.from);

  const ready = async () => ((await evenkeel.admin("/api/v2/pools/many")) as { ready: number }).ready;
  expect(await ready()).toBe(SERVERS);
  everywhere.sicken();
  const sick = monotonic();
  await waitFor("all to be out", async () => (await ready()) === 0, 20_000);
  const out = monotonic() - sick;
  await load.stop();

  const usual = latencies(dueIn(load.samples, before));
  const disturbed = latencies(dueIn(load.samples, with1000));
  report("checks of 1,000 servers every 2 s", {
    "checks per second": perSecond,
    "p50 without, with (ms)": `${percentile(usual, 0.5).toFixed(1)}, ${percentile(disturbed, 0.5).toFixed(1)}`,
    "p99 without, with (ms)": `${percentile(usual, 0.99).toFixed(1)}, ${percentile(disturbed, 0.99).toFixed(1)}`,
    "all 1,000 found sick after (ms)": Math.round(out),
    "errors of requests": failuresOf(load.samples, ["GET", "PUT", "POST"]).join(", ") || "none",
  });
  expect(counted).toBeGreaterThanOrEqual(SERVERS);
  expect(failuresOf(load.samples, ["GET", "PUT", "POST"])).toEqual([]);
  // 500; the first checks of all came together, so that the time may begin and end with a wave of a thousand.
  expect(perSecond).toBeGreaterThan(400);
  expect(perSecond).toBeLessThan(700);
});
