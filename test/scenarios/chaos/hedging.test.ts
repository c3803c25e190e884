import { expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { doubled, failuresOf, latencies, percentile } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { startProxy } from "../../support/proxy.ts";

/* Share of one server's answers that take 100 times as long; over three servers more than 1 % of all. */
const SLOW_SHARE = 0.05;

async function measure(hedging: unknown) {
  const origins = await startChaosOrigins(3);
  await origins[1].behave({ slowFactor: 100, slowShare: SLOW_SHARE });
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    // By its mean the slow server would be ejected.
    { workers: 2, pool: { algorithm: "round_robin", outlierDetection: "off", hedging } },
  );
  const load = await startMixedLoad(evenkeel.port(), { rate: 400 });
  const from = await load.goOn(2000);
  await load.goOn(6000);
  await load.stop();
  expect(failuresOf(load.samples, ["GET", "PUT", "POST"])).toEqual([]);
  const journals = origins.map((origin) => origin.journal()).flat();
  const sent = journals.filter(({ kind }) => kind === "B").length;
  const cancelled = journals.filter(({ kind }) => kind === "C").length;
  // What has a body is not hedged, though PUT might be repeated.
  const times = latencies(load.samples.filter(({ due, method }) => due >= from && method === "GET"));
  return {
    posts: doubled(origins, "POST").length,
    requests: load.samples.length,
    extra: sent - load.samples.length,
    cancelled,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    p999: percentile(times, 0.999),
  };
}

it("a second request cuts the tail that a few slow answers make", { timeout: 60_000 }, async () => {
  const without = await measure("off");
  const hedged = await measure({ percentile: 95, budget: "10%" });
  report("hedging, 5 % of one server's answers 100 times as slow", {
    "p50 without, with (ms)": `${without.p50.toFixed(1)}, ${hedged.p50.toFixed(1)}`,
    "p99 without, with (ms)": `${without.p99.toFixed(1)}, ${hedged.p99.toFixed(1)}`,
    "p99.9 without, with (ms)": `${without.p999.toFixed(1)}, ${hedged.p999.toFixed(1)}`,
    "second requests per request": hedged.extra / hedged.requests,
    "cancelled of the second requests": hedged.cancelled / hedged.extra,
    "POST hedged": hedged.posts,
  });
  expect(without.extra).toBe(0);
  expect(hedged.posts).toBe(0);
  expect(hedged.extra).toBeGreaterThan(0);
  expect(hedged.extra).toBeLessThanOrEqual(hedged.requests * 0.1);
  // Whichever is late is given up by closing its connection; a few answer in the same instant.
  expect(hedged.cancelled).toBeGreaterThan(hedged.extra * 0.5);
  expect(hedged.p99).toBeLessThan(without.p99);
});
