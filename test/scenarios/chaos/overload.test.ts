import { expect, it } from "vitest";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { dueIn, failuresOf, latencies, percentile } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { startProxy } from "../../support/proxy.ts";

/* Two servers with four workers each of 40 ms: 200 requests per second in all. Twice as many come. */
const CAPACITY = 200;
/* ms after which a client has no use for the answer any more and gives up. */
const PATIENCE = 500;

async function overload(adaptiveConcurrency: unknown) {
  const origins = await startChaosOrigins(2, { latency: 40, workers: 4 });
  const evenkeel = await startProxy(
    origins.map(({ address }) => address),
    { workers: 2, pool: { algorithm: "least_connections", adaptiveConcurrency, outlierDetection: "off" } },
  );
  const mix = { GET: 1, PUT: 0, POST: 0 };
  const load = await startMixedLoad(evenkeel.port(), {
    rate: CAPACITY / 2,
    mix,
    timeout: PATIENCE,
    connections: 1000,
  });
  await load.goOn(3000);
  load.rate(CAPACITY * 2);
  const from = await load.goOn(3000);
  const span = { from, to: await load.goOn(5000) };
  await load.stop();
  const samples = dueIn(load.samples, span);
  const good = latencies(samples);
  return {
    goodput: (1000 * good.length) / (span.to - span.from),
    p50: percentile(good, 0.5),
    p99: percentile(good, 0.99),
    errors: failuresOf(samples, ["GET"]).join(", ") || "none",
  };
}

it(
  "twice the load that servers can bear: a limit that follows latency keeps them useful",
  { timeout: 60_000 },
  async () => {
    const without = await overload("off");
    const adaptive = await overload({});
    report("overload, twice the capacity of 200 requests per second", {
      "answers in time per second, without a limit": without.goodput,
      "answers in time per second, adaptive": adaptive.goodput,
      "p50 without, adaptive (ms)": `${without.p50.toFixed(0)}, ${adaptive.p50.toFixed(0)}`,
      "p99 without, adaptive (ms)": `${without.p99.toFixed(0)}, ${adaptive.p99.toFixed(0)}`,
      "failures without": without.errors,
      "failures adaptive": adaptive.errors,
    });
    expect(without.goodput).toBeLessThan(CAPACITY / 2);
    expect(adaptive.goodput).toBeGreaterThan(CAPACITY * 0.8);
    expect(adaptive.p99).toBeLessThan(PATIENCE);
  },
);
