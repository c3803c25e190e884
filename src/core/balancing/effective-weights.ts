import type { Server } from "./balancer.ts";

/** What the shares of servers are in proportion to at this moment: weight × scale, in their order. */
export function effectiveWeights(servers: readonly Server[]): Float64Array {
  return Float64Array.from(servers, (server) => server.weight * server.scale);
}

/** As `effectiveWeights`, for algorithms that do not look at the weight. */
export function scales(servers: readonly Server[]): Float64Array {
  return Float64Array.from(servers, (server) => server.scale);
}

/** The weights as configured, in the order of the servers. */
export function configuredWeights(servers: readonly Server[]): Float64Array {
  return Float64Array.from(servers, (server) => server.weight);
}
