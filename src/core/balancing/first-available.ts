import type { BalancingAlgorithm } from "./balancer.ts";
import { LeastLoadedBalancer } from "./least-loaded-balancer.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { noSettings } from "./settings.ts";

/**
 * The first ready server in the configured order that has fewer requests in flight than its `maxConnections`; the
 * next ones get work only when those before are full, so the last ones can be switched off when load is low. When
 * all are full it is the first one (whether a full server may be used at all is decided by exclusion). Exact up to 64
 * servers, see `LeastLoaded` for bigger sets.
 *
 * Source: HAProxy, `balance first`.
 */
export const firstAvailable: BalancingAlgorithm = {
  name: "first_available",
  summary: "The first server in the configured order that is not full.",
  schema: noSettings,
  usesHashKey: false,
  shares: "none",
  create: ({ signals }) =>
    new LeastLoadedBalancer(
      new LeastLoaded(
        (server) => (server.maxConnections > 0 && signals.inFlight(server.slot) >= server.maxConnections ? 1 : 0),
        "first",
      ),
    ),
};
