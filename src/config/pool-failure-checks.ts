import type { LooseConfig } from "./loose-config.ts";
import type { ConfigPath } from "./problem.ts";
import { durationText, shareText } from "./units.ts";
import { unknownPool } from "./unknown-pool.ts";
import type { Visit } from "./visit.ts";

type LoosePools = NonNullable<LooseConfig["pools"]>;
type LoosePool = NonNullable<LoosePools[string]>;

/** What the parts of a pool that are about failure say about each other and about other pools. */
export function checkPoolFailureParts(pools: LoosePools, visit: Visit): void {
  for (const [name, pool] of Object.entries(pools)) {
    if (pool === undefined) continue;
    const path = ["pools", name];
    checkFallback(name, pools, visit);
    checkServers(pool, path, visit);
    checkHealthChecks(pool, path, visit);
    checkOutliers(pool, path, visit);
    checkOrder(pool, path, visit);
  }
}

/** Fallbacks must lead to an end: a pool that exists, and never back. */
function checkFallback(name: string, pools: LoosePools, visit: Visit): void {
  const target = pools[name]?.fallbackPool;
  if (target === undefined) return;
  const path = ["pools", name, "fallbackPool"];
  if (!Object.hasOwn(pools, target)) {
    visit.error(path, unknownPool(target, Object.keys(pools)));
    return;
  }
  if (target === name) {
    visit.error(path, "a pool cannot be its own fallback");
    return;
  }
  const way = [name];
  for (let next: string | undefined = target; next !== undefined; next = fallbackOf(next, pools)) {
    if (next === name) {
      // Each pool of the circle would say the same: the one that the alphabet puts first does.
      const isFirst = way.every((other) => name <= other);
      if (isFirst) visit.error(path, `the fallbacks go round in a circle: ${[...way, name].join(" → ")}`);
      return;
    }
    if (way.includes(next)) return;
    way.push(next);
  }
}

function fallbackOf(name: string, pools: LoosePools): string | undefined {
  return Object.hasOwn(pools, name) ? pools[name]?.fallbackPool : undefined;
}

function checkServers(pool: LoosePool, path: ConfigPath, visit: Visit): void {
  const { servers, discovery, minimumHealthy } = pool;
  // What a source brings is not known here.
  if (servers === undefined || servers.length === 0 || discovery !== undefined) return;
  if (minimumHealthy !== undefined && minimumHealthy > servers.length) {
    visit.warn(
      [...path, "minimumHealthy"],
      `the pool has only ${servers.length} ${servers.length === 1 ? "server" : "servers"}: it will always count as failed`,
    );
  }
  if (servers.every((server) => server?.backup === true)) {
    visit.warn([...path, "servers"], "every server is a backup: they are used as if none were", "key");
  }
}

function checkHealthChecks(pool: LoosePool, path: ConfigPath, visit: Visit): void {
  const { healthCheck = [] } = pool;
  for (const [index, check] of healthCheck.entries()) {
    if (check === undefined) continue;
    // A single check may have been written without a list around it: the key is there either way.
    const where = healthCheck.length === 1 ? [...path, "healthCheck"] : [...path, "healthCheck", index];
    const { timeout, interval, address, port } = check;
    if (address !== undefined && port !== undefined) {
      visit.error(where, "`address` has a port already: `port` would have no effect", "key");
    }
    if (timeout !== undefined && interval !== undefined && timeout > interval) {
      const times = `\`timeout\` (${durationText(timeout)}) is longer than \`interval\` (${durationText(interval)})`;
      visit.warn(where, `${times}: a check is only made when the one before is over`, "key");
    }
  }
}

function checkOutliers({ outlierDetection }: LoosePool, path: ConfigPath, visit: Visit): void {
  if (outlierDetection === undefined || outlierDetection === false) return;
  const { latencyFactor } = outlierDetection;
  if (latencyFactor === undefined || latencyFactor === 0 || latencyFactor > 1) return;
  const reason = "must be above 1, for a server like all others has the factor 1; 0 turns the rule off";
  visit.error([...path, "outlierDetection", "latencyFactor"], reason);
}

/** Pairs of settings of which the first must not exceed the second. */
function checkOrder(pool: LoosePool, path: ConfigPath, visit: Visit): void {
  const { degradation, adaptiveConcurrency, hedging, retries, outlierDetection } = pool;
  const inOrder = <Part extends object>(
    part: Part | false | undefined,
    name: string,
    lower: keyof Part & string,
    upper: keyof Part & string,
    text: (value: number) => string = String,
  ) => {
    if (part === undefined || part === false) return;
    const [low, high] = [part[lower], part[upper]];
    if (typeof low === "number" && typeof high === "number" && low > high) {
      visit.error([...path, name, lower], `${text(low)} is above \`${upper}\`, which is ${text(high)}`);
    }
  };
  inOrder(degradation, "degradation", "reduced", "full", shareText);
  inOrder(adaptiveConcurrency, "adaptiveConcurrency", "minimum", "initial");
  inOrder(adaptiveConcurrency, "adaptiveConcurrency", "initial", "maximum");
  inOrder(hedging, "hedging", "minDelay", "maxDelay", durationText);
  inOrder(retries, "retries", "backoff", "maxBackoff", durationText);
  inOrder(outlierDetection, "outlierDetection", "ejectionTime", "maxEjectionTime", durationText);
}
