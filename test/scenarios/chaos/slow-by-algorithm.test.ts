import { expect, it } from "vitest";
import { algorithms } from "../../../src/core/balancing/registry.ts";
import { startChaosOrigins } from "../../support/chaos/chaos-origin.ts";
import { report } from "../../support/chaos/figures.ts";
import { dueIn, failuresOf, sharesOf, type Span } from "../../support/chaos/measure.ts";
import { startMixedLoad } from "../../support/chaos/mixed-load.ts";
import { monotonic } from "../../support/chaos/monotonic.ts";
import { startEvenkeel } from "../../support/evenkeel.ts";
import { waitFor } from "../../support/wait.ts";

/* Those that have to notice a slow server by themselves. */
const adaptive = [
  "least_response_time",
  "peak_ewma",
  "prequal",
  "power_of_two_choices",
  "dynamic_weighted_round_robin",
] as const;
/* Its weights follow every 30 s otherwise, which is longer than this test. */
const settings: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  dynamic_weighted_round_robin: { interval: "200ms" },
};
const names = ["a", "b", "c"];
const slow = 1;
const percent = (value: number) => `${Math.round(value * 100)} %`;
const PATHS = 30;
const PER_ALGORITHM = 60;
/* ms after which a server that is fast again has to have its share back. */
const PATIENCE = 45_000;

it("a server that is ten times as slow gets less, and its share back, by algorithm", { timeout: 120_000 }, async () => {
  // So long that each algorithm has several requests in flight, without which there is little to balance.
  const origins = await startChaosOrigins(3, { latency: 80 });
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
  const load = await startMixedLoad(evenkeel.port(), {
    rate: PER_ALGORITHM * algorithms.length,
    paths,
    connections: 1000,
  });
  const first = await load.goOn(1500);
  const before: Span = { from: first, to: await load.goOn(2000) };
  await origins[slow].behave({ slowFactor: 10 });
  const noticed = await load.goOn(1500);
  const during: Span = { from: noticed, to: await load.goOn(3000) };
  await origins[slow].behave({ slowFactor: 1 });
  const fast = monotonic();

  const share = (name: string, span: Span) => {
    const samples = dueIn(load.samples, span).filter(({ path }) => path.startsWith(`/${name}/`));
    return sharesOf(samples, names)[slow];
  };
  // Those that forget with time need it: the latency that they remember fades to 37 % in 10 s.
  const back = new Map<string, number>();
  await waitFor(
    "all that adapt to use the server again as before",
    () => {
      const now = load.samples.at(-1)!.due;
      for (const name of adaptive) {
        if (back.has(name) || now - fast < 2000) continue;
        if (share(name, { from: now - 2000, to: now }) > 0.5 / 3) back.set(name, now - fast);
      }
      return back.size === adaptive.length || now - fast > PATIENCE;
    },
    PATIENCE + 10_000,
  );
  const after: Span = { from: monotonic(), to: await load.goOn(2000) };
  await load.stop();

  report(
    "share of a server that is ten times as slow: before, slow, and afterwards",
    Object.fromEntries(
      algorithms.map(({ name }) => {
        const shares = [before, during, after].map((span) => percent(share(name, span))).join(" → ");
        const time = back.get(name);
        return [
          name,
          time === undefined ? shares : `${shares} (half of its share after ${(time / 1000).toFixed(1)} s)`,
        ];
      }),
    ),
  );
  expect(failuresOf(load.samples, ["GET", "PUT", "POST"])).toEqual([]);
  for (const name of adaptive) {
    expect(share(name, during), `${name} while slow`).toBeLessThan(0.75 / 3);
    expect(back.get(name), `${name} afterwards`).toBeDefined();
  }
});
