import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { configuredWeights } from "./effective-weights.ts";
import { eligibleServers } from "./eligible.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { noSettings } from "./settings.ts";

class WeightedLeastConnections implements Balancer {
  private readonly chooser: LeastLoaded;

  constructor(deps: BalancerDeps<unknown>) {
    const signals = deps.signals;
    this.chooser = new LeastLoaded(
      (server) => signals.inFlight(server.slot) / server.weight,
      deps.worker / Math.max(1, deps.workers),
    );
  }

  choose(context: BalanceContext): Server | undefined {
    return this.chooser.choose(context);
  }

  update(set: ServerSet): void {
    const servers = eligibleServers(set);
    this.chooser.set(servers, configuredWeights(servers));
  }

  onComplete(server: Server): void {
    this.chooser.touch(server);
  }
}

/**
 * The ready server with the fewest requests in flight per unit of weight, over all workers. Ties (all idle, for one)
 * are shared in proportion to the weights. Exact up to 64 servers, see `LeastLoaded` for bigger sets.
 *
 * Source: nginx, ngx_http_upstream_least_conn_module.c (which also breaks ties by weighted rotation).
 */
export const weightedLeastConnections: BalancingAlgorithm = {
  name: "weighted_least_connections",
  summary: "The server with the fewest requests in flight per unit of weight; ties are shared by weight.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new WeightedLeastConnections(deps),
};
