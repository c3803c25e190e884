import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { noSettings } from "./settings.ts";

class FirstAvailable implements Balancer {
  private readonly chooser: LeastLoaded;

  constructor(deps: BalancerDeps<unknown>) {
    const signals = deps.signals;
    this.chooser = new LeastLoaded(
      (server) => (server.maxConnections > 0 && signals.inFlight(server.slot) >= server.maxConnections ? 1 : 0),
      "first",
    );
  }

  choose(context: BalanceContext): Server | undefined {
    return this.chooser.choose(context);
  }

  update(set: ServerSet): void {
    this.chooser.set(eligibleServers(set));
  }

  onComplete(server: Server): void {
    this.chooser.touch(server);
  }
}

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
  create: (deps) => new FirstAvailable(deps),
};
