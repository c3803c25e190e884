import type { Server } from "./balancer.ts";

/** The servers of one priority and what of the requests they should get. */
export interface Level<S extends Server> {
  readonly key: string;
  readonly servers: readonly S[];
  /** Of the pool's requests, 0..1. */
  readonly share: number;
  /** Whether too little of it is ready, in a group whose levels together are not available enough. */
  readonly panic: boolean;
}

/** Sums of floating-point shares that are as good as 1. */
const nearlyOne = 1 - 1e-9;

/** Sum of the weights of those servers that `counts` says. */
export function weightOf<S extends Server>(servers: readonly S[], counts: (server: S) => boolean): number {
  let sum = 0;
  for (const server of servers) if (counts(server)) sum += server.weight;
  return sum;
}

/** How much of its usual work a group of servers can take, 0..1; 0 when it has no weight at all. */
export function availability(readyWeight: number, weight: number, overprovisioning: number): number {
  return weight > 0 ? Math.min(1, (readyWeight / weight) * overprovisioning) : 0;
}

/**
 * The levels of a group of servers, most preferred (lowest number) first. Each gets its availability as share, until
 * nothing is left; when all availabilities together are below 1, they are divided by their sum. All shares are 0 when
 * nobody takes work.
 *
 * @param takes whether a server with weight takes new work
 * @param panicThreshold see `TierConfig`
 * @param prefix of the keys
 *
 * Source: Envoy, "Priority levels" in the architecture overview of load balancing.
 */
export function priorityLevels<S extends Server>(
  servers: readonly S[],
  takes: (server: S) => boolean,
  config: { readonly overprovisioning: number; readonly panicThreshold: number },
  prefix: string,
): Level<S>[] {
  const priorities = [...new Set(servers.map((server) => server.priority))].sort((a, b) => a - b);
  const levels = priorities.map((priority) => {
    const members = servers.filter((server) => server.priority === priority);
    const weight = weightOf(members, () => true);
    const readyWeight = weightOf(members, takes);
    return {
      key: `${prefix}${priority}`,
      servers: members,
      readyShare: weight > 0 ? readyWeight / weight : 0,
      availability: availability(readyWeight, weight, config.overprovisioning),
    };
  });
  const sum = levels.reduce((total, level) => total + level.availability, 0);
  const scarce = sum < nearlyOne;
  let left = 1;
  return levels.map(({ key, servers, readyShare, availability }) => {
    const share = scarce ? availability / (sum || 1) : Math.min(left, availability);
    left = left - share > 1 - nearlyOne ? left - share : 0;
    return { key, servers, share, panic: scarce && readyShare < config.panicThreshold };
  });
}
