import type { BalancingAlgorithm } from "./balancer.ts";
import { LeastLoadedBalancer } from "./least-loaded-balancer.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { noSettings } from "./settings.ts";

/**
 * The ready server with the fewest requests in flight over all workers, whatever its weight (0 is left out). Ties
 * rotate. Exact up to 64 servers, see `LeastLoaded` for bigger sets.
 */
export const leastConnections: BalancingAlgorithm = {
  name: "least_connections",
  summary: "The server with the fewest requests in flight over all workers; ties rotate.",
  schema: noSettings,
  usesHashKey: false,
  shares: "equal",
  create: ({ signals, worker, workers }) =>
    new LeastLoadedBalancer(new LeastLoaded((server) => signals.inFlight(server.slot), worker / Math.max(1, workers))),
};
