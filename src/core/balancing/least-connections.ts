import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { noSettings } from "./settings.ts";

class LeastConnections implements Balancer {
  private readonly chooser: LeastLoaded;

  constructor(deps: BalancerDeps<unknown>) {
    const signals = deps.signals;
    this.chooser = new LeastLoaded((server) => signals.inFlight(server.slot), deps.worker / Math.max(1, deps.workers));
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
 * The ready server with the fewest requests in flight over all workers, whatever its weight (0 is left out). Ties
 * rotate. Exact up to 64 servers, see `LeastLoaded` for bigger sets.
 */
export const leastConnections: BalancingAlgorithm = {
  name: "least_connections",
  summary: "The server with the fewest requests in flight over all workers; ties rotate.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new LeastConnections(deps),
};
