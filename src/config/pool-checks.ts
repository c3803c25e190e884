import type { LooseConfig } from "./loose-config.ts";
import { checkPoolFailureParts } from "./pool-failure-checks.ts";
import { formatPath, type ConfigPath } from "./problem.ts";
import { checkUpstreams } from "./upstream-checks.ts";
import type { Visit } from "./visit.ts";

/** That servers are told apart, and that a pool has some. `used`: the pools that a route leads to. */
export function checkPools(config: LooseConfig, used: ReadonlySet<string>, visit: Visit): void {
  const fallbacks = new Set(Object.values(config.pools ?? {}).map((pool) => pool?.fallbackPool));
  let count = 0;
  for (const [name, pool] of Object.entries(config.pools ?? {})) {
    const path = ["pools", name];
    if (!used.has(name) && !fallbacks.has(name)) visit.warn(path, "no route leads to this pool", "key");
    const servers = pool?.servers;
    if (servers === undefined) continue;
    count += servers.length;
    if (pool?.discovery !== undefined && servers.length === 0) continue;
    if (servers.length === 0) visit.warn([...path, "servers"], "the pool has no servers: its requests get 503", "key");
    else if (servers.every((server) => server?.weight === 0)) {
      visit.warn([...path, "servers"], "every server has weight 0: none takes new work", "key");
    }
    const addresses = new Map<string, ConfigPath>();
    const ids = new Map<string, ConfigPath>();
    for (const [index, server] of servers.entries()) {
      const here = [...path, "servers", index];
      const address = server?.address?.toLowerCase();
      const id = server?.id ?? server?.address;
      const isRepeated = claim(addresses, address, [...here, "address"], "address", visit);
      if (!isRepeated) claim(ids, id, [...here, "id"], "id", visit);
    }
  }
  checkPoolFailureParts(config.pools ?? {}, visit);
  for (const [name, pool] of Object.entries(config.pools ?? {})) checkRebalancing(pool, ["pools", name], visit);
  checkUpstreams(config.pools ?? {}, visit);
  if (config.maxServers !== undefined && count > config.maxServers) {
    visit.error(["maxServers"], `there are ${count} servers, but room for ${config.maxServers} only; raise maxServers`);
  }
}

/** Closing a connection makes sense only if its client may find another server. */
function checkRebalancing(
  pool: NonNullable<LooseConfig["pools"]>[string] | undefined,
  path: ConfigPath,
  visit: Visit,
): void {
  if (pool?.rebalance === undefined || pool.rebalance === false) return;
  const algorithm = visit.extensions.algorithms.find(({ name }) => name === pool.algorithm?.name);
  if (algorithm === undefined || !(algorithm.usesHashKey || algorithm.shares === "none")) return;
  visit.error(
    [...path, "rebalance"],
    `clients whose connections were closed would get the same server again: ${algorithm.name} does not go by shares`,
    "key",
  );
}

/** Notes who has a value first; reports when it was taken. */
function claim(
  taken: Map<string, ConfigPath>,
  value: string | undefined,
  path: ConfigPath,
  what: string,
  visit: Visit,
): boolean {
  if (value === undefined) return false;
  const first = taken.get(value);
  if (first === undefined) {
    taken.set(value, path);
    return false;
  }
  visit.error(path, `the same ${what} as ${formatPath(first.slice(0, -1))}`);
  return true;
}
