import { expect, it } from "vitest";
import { Type } from "typebox";
import { algorithms } from "../core/balancing/registry.ts";
import { defineDiscovery, defineProbe } from "../core/extension.ts";
import { normaliseConfig } from "./normalise.ts";

const ping = defineProbe({
  name: "ping",
  summary: "Test check.",
  schema: Type.Object({}),
  run: async () => ({ outcome: "healthy" }),
});
const list = defineDiscovery({
  name: "list",
  summary: "Test source.",
  schema: Type.Object({}),
  watch: () => ({ close: () => {}, refresh: () => {} }),
});

/** Lines about pools of which routes use `p`; `o` has nothing wrong with it. */
function lines(p: object, others: Record<string, object> = {}): string[] {
  const pools = { p: { servers: ["a:1", "a:2"], ...p }, ...others };
  const routes = Object.keys(others).map((pool) => ({ match: { path: `/${pool}` }, pool }));
  const input = { listeners: { web: { listen: "127.0.0.1:1", routes, pool: "p" } }, pools };
  const { problems } = normaliseConfig(input, {
    extensions: { algorithms, filters: [], probes: [ping], discoveries: [list] },
  });
  return problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`);
}

const other = { servers: ["a:3"] };

it.each<[string, object, Record<string, object>, string]>([
  ["fallback that is not there", { fallbackPool: "q" }, {}, 'error pools.p.fallbackPool: there is no pool "q"'],
  ["fallback to itself", { fallbackPool: "p" }, {}, "error pools.p.fallbackPool: a pool cannot be its own fallback"],
  [
    "circle of fallbacks",
    { fallbackPool: "o" },
    { o: { ...other, fallbackPool: "r" }, r: { servers: ["a:4"], fallbackPool: "p" } },
    "error pools.o.fallbackPool: the fallbacks go round in a circle: o → r → p → o",
  ],
  [
    "rebalancing by hash key",
    { algorithm: "maglev", rebalance: {} },
    {},
    "error pools.p.rebalance: clients whose connections were closed would get the same server again: maglev",
  ],
  ["minimum", { minimumHealthy: 3 }, {}, "warning pools.p.minimumHealthy: the pool has only 2 servers"],
  [
    "only backups",
    { servers: [{ address: "a:1", backup: true }] },
    {},
    "warning pools.p.servers: every server is a backup",
  ],
  [
    "long checks",
    { healthCheck: { type: "ping", interval: "1s", timeout: "2s" } },
    {},
    "warning pools.p.healthCheck: `timeout` (2s) is longer than `interval` (1s)",
  ],
  [
    "a port beside an address",
    { healthCheck: { type: "ping", address: "a:1", port: 2 } },
    {},
    "error pools.p.healthCheck: `address` has a port already",
  ],
  [
    "a factor that all servers have",
    { outlierDetection: { latencyFactor: 0.5 } },
    {},
    "error pools.p.outlierDetection.latencyFactor: must be above 1",
  ],
  [
    "degradation",
    { degradation: { full: "20%", reduced: "30%" } },
    {},
    "error pools.p.degradation.reduced: 30% is above `full`, which is 20%",
  ],
  ["concurrency below", { adaptiveConcurrency: { initial: 2 } }, {}, "minimum: 4 is above `initial`, which is 2"],
  [
    "concurrency above",
    { adaptiveConcurrency: { initial: 2000 } },
    {},
    "initial: 2000 is above `maximum`, which is 1000",
  ],
  ["hedging", { hedging: { minDelay: "2s" } }, {}, "pools.p.hedging.minDelay: 2s is above `maxDelay`, which is 1s"],
  ["backoff", { retries: { backoff: "1s" } }, {}, "pools.p.retries.backoff: 1s is above `maxBackoff`, which is 250ms"],
  [
    "ejection",
    { outlierDetection: { ejectionTime: "10m" } },
    {},
    "outlierDetection.ejectionTime: 600s is above `maxEjectionTime`, which is 300s",
  ],
])("says what does not fit: %s", (_name, pool, others, expected) => {
  expect(lines(pool, others).filter((line) => line.includes(expected))).toHaveLength(1);
});

it("says nothing about what fits", () => {
  expect(lines({ fallbackPool: "o", degradation: {}, hedging: {}, adaptiveConcurrency: {} }, { o: other })).toEqual([]);
  expect(lines({ minimumHealthy: 2, outlierDetection: "off", healthCheck: "ping" })).toEqual([]);
});

it("does not guess how many servers a source will bring", () => {
  expect(lines({ servers: [], minimumHealthy: 5, discovery: { type: "list" } })).toEqual([]);
  const backup = [{ address: "a:1", backup: true }];
  expect(lines({ servers: backup, discovery: { type: "list" } })).toEqual([]);
});

it("does not miss a route to a pool that others fall back upon", () => {
  const pools = { p: { servers: ["a:1"], fallbackPool: "o" }, o: other };
  const input = { listeners: { web: { listen: "127.0.0.1:1", pool: "p" } }, pools };
  expect(normaliseConfig(input, { extensions: { algorithms, filters: [] } }).problems).toEqual([]);
});
