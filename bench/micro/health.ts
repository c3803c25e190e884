/*
 * What passive detection costs: ns per call on the request path, and per tick, for a pool of 10 and of 10,000 servers.
 *
 *   scripts/node bench/micro/health.ts
 *
 * "success" is answered() with a status of 200 while nothing is unsettled; "after failures" the same with 1 % of 500s in
 * between. Servers are asked in turn. Medians of 15 runs.
 */
import { normaliseConfig } from "../../src/config/normalise.ts";
import type { PoolConfig } from "../../src/config/schema.ts";
import { algorithms } from "../../src/core/balancing/registry.ts";
import { errors } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import { PassiveHealth } from "../../src/dataplane/health/passive-health.ts";
import { HealthFlag } from "../../src/shared-memory/health-flags.ts";
import { Scoreboard } from "../../src/shared-memory/scoreboard.ts";

const runs = 15;
const callsPerRun = 1_000_000;

function poolConfig(): PoolConfig {
  const { config, problems } = normaliseConfig(
    {
      listeners: { web: { listen: "127.0.0.1:0", pool: "web" } },
      pools: { web: { servers: ["127.0.0.1:1"], circuitBreaker: { failureThreshold: 100_000 } } },
    },
    { extensions: { algorithms, filters: [] } },
  );
  if (config === undefined) throw new Error(problems.map(({ message }) => message).join("; "));
  return config.pools["web"]!;
}

/** Median time of one call in ns. */
function measure(calls: number, call: (index: number) => void): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    for (let index = 0; index < calls; index++) call(index);
    return ((performance.now() - start) * 1e6) / calls;
  });
  return times.toSorted((a, b) => a - b)[runs >> 1]!;
}

console.log("ns per call        |   10 servers | 10,000 servers");
const rows = new Map<string, number[]>();
const row = (name: string, ns: number): void => void rows.set(name, [...(rows.get(name) ?? []), ns]);
for (const servers of [10, 10_000]) {
  const scoreboard = Scoreboard.create({ servers, workers: 1 });
  const slots = Array.from({ length: servers }, (_, slot) => slot);
  const passive = new PassiveHealth({ config: poolConfig(), slots, scoreboard, random: seededRandom(1) });
  let now = 1000;
  row(
    "(empty loop)",
    measure(callsPerRun, (index) => void (index % servers)),
  );
  row(
    "success",
    measure(callsPerRun, (index) => passive.answered(index % servers, 200, now, false)),
  );
  row(
    "after failures",
    measure(callsPerRun, (index) => {
      const slot = index % servers;
      passive.answered(slot, (index * 7919) % 100 === 0 ? 500 : 200, now, false);
    }),
  );
  row(
    "failed, then ok",
    measure(callsPerRun / 10, (index) => {
      passive.failed(index % servers, errors.connectionLost, now, false);
      passive.answered(index % servers, 200, now, false);
    }),
  );
  row(
    "connected",
    measure(callsPerRun, (index) => passive.connected(index % servers, now)),
  );
  row(
    "tick, all well",
    measure(100_000, () => passive.tick((now += 50))),
  );
  row(
    "tick, a change",
    measure(200, (index) => {
      scoreboard.health.update(
        0,
        index % 2 === 0 ? HealthFlag.degraded : 0,
        index % 2 === 0 ? 0 : HealthFlag.degraded,
        now,
      );
      passive.tick((now += 50));
    }),
  );
}
for (const [name, [few, many]] of rows) {
  console.log(`${name.padEnd(18)} | ${few!.toFixed(1).padStart(12)} | ${many!.toFixed(1).padStart(14)}`);
}
