import type { Server } from "./balancer.ts";

/** What the shares of servers are in proportion to at this moment: weight × scale, in their order. */
export function effectiveWeights(servers: readonly Server[]): Float64Array {
  return Float64Array.from(servers, (server) => server.weight * server.scale);
}

/** As `effectiveWeights`, for algorithms that do not look at the weight. */
export function scales(servers: readonly Server[]): Float64Array {
  return Float64Array.from(servers, (server) => server.scale);
}

/**
 * The largest scale among servers that share a balancer, 1 without any. Only the proportions matter: where all servers
 * have the same scale, they get their usual shares.
 */
export function largestScale(servers: readonly Server[]): number {
  let largest = 0;
  for (const { scale } of servers) if (scale > largest) largest = scale;
  return largest > 0 ? largest : 1;
}

/** The weights as configured, in the order of the servers. */
export function configuredWeights(servers: readonly Server[]): Float64Array {
  return Float64Array.from(servers, (server) => server.weight);
}
