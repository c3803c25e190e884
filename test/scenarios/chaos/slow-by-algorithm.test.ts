import { expect, it } from "vitest";
import { algorithms } from "../../../src/core/balancing/registry.ts";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { dueIn, failuresOf, sharesOf, type Span } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { startEvenkeel } from "../../support/evenkeel.ts";

/* Those that have to notice a slow server by themselves. */
const adaptive = [
  "least_response_time",
  "peak_ewma",
  "prequal",
  "power_of_two_choices",
  "dynamic_weighted_round_robin",
] as const;
/* What they have learned holds for longer than this test by default: 30 s between two weights, 10 s for a latency. */
const settings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  dynamic_weighted_round_robin: { interval: "200ms" },
  least_response_time: { decay: "2s" },
  peak_ewma: { decay: "2s" },
  prequal: { decay: "2s" },
};
const names = ["a", "b", "c"];
const slow = 1;
const percent = (value: number) => `${Math.round(value * 100)} %`;
const PATHS = 30;
const PER_ALGORITHM = 60;

it("a server that is ten times as slow gets less, and its share back, by algorithm", { timeout: 60_000 }, async () => {
  const origins = await startChaosOrigins(3, { latency: 20 });
  const servers = origins.map(({ address }) => address);
  // All pools at the same time, over the same servers: each has its own view of them.
  const pools = algorithms.map(({ name, usesHashKey }) => {
    const algorithm = { name, ...(usesHashKey ? { key: "path" } : {}), ...settings[name] };
    return [name, { algorithm, servers, outlierDetection: "off" }] as const;
  });
  const routes = algorithms.map(({ name }) => ({ match: { path: `/${name}/*` }, pool: name }));
  const evenkeel = await startEvenkeel({
    config: { workers: 2, listeners: { web: { listen: "127.0.0.1:0", routes } }, pools: Object.fromEntries(pools) },
  });
  const paths = Array.from({ length: PATHS }, (_, i) => algorithms.map(({ name }) => `/${name}/${i}`)).flat();
  const load = await startMixedLoad(evenkeel.port(), { rate: PER_ALGORITHM * algorithms.length, paths });
  const first = await load.goOn(1500);
  const before: Span = { from: first, to: await load.goOn(3000) };
  await origins[slow].behave({ slowFactor: 10 });
  const noticed = await load.goOn(2000);
  const during: Span = { from: noticed, to: await load.goOn(4000) };
  await origins[slow].behave({ slowFactor: 1 });
  const recovered = await load.goOn(5000);
  const after: Span = { from: recovered, to: await load.goOn(4000) };
  await load.stop();
  expect(failuresOf(load.samples, ["GET", "PUT", "POST"])).toEqual([]);

  const share = (name: string, span: Span) => {
    const samples = dueIn(load.samples, span).filter(({ path }) => path.startsWith(`/${name}/`));
    return sharesOf(samples, names)[slow];
  };
  report(
    "share of a server that is ten times as slow: before, slow, and afterwards",
    Object.fromEntries(
      algorithms.map(({ name }) => [
        name,
        [before, during, after].map((span) => percent(share(name, span))).join(" → "),
      ]),
    ),
  );
  for (const name of adaptive) {
    const usual = share(name, before);
    expect(share(name, during), `${name} while slow`).toBeLessThan(usual * 0.6);
    expect(share(name, after), `${name} afterwards`).toBeGreaterThan(0.5 / 3);
  }
});
