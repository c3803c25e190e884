import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers, startingOffset } from "./eligible.ts";
import { noSettings } from "./settings.ts";

class RoundRobin implements Balancer {
  private servers: readonly Server[] = [];
  private next = -1;
  private readonly worker: number;
  private readonly workers: number;

  constructor(deps: BalancerDeps<unknown>) {
    this.worker = deps.worker;
    this.workers = deps.workers;
  }

  choose(context: BalanceContext): Server | undefined {
    const servers = this.servers;
    const length = servers.length;
    for (let step = 0; step < length; step++) {
      if (this.next >= length) this.next = 0;
      const server = servers[this.next++] as Server;
      if (!context.isExcluded(server)) return server;
    }
    return undefined;
  }

  update(set: ServerSet): void {
    this.servers = eligibleServers(set);
    // The position is kept over updates: starting again would favour the first servers when updates are frequent.
    if (this.next < 0 && this.servers.length > 0) {
      this.next = startingOffset(this.servers.length, this.worker, this.workers);
    }
  }
}

/**
 * Each ready server in turn, whatever its weight (0 is left out). A choice is O(1); each worker starts at another
 * offset, so that the workers together do not send their first requests to the same server.
 */
export const roundRobin: BalancingAlgorithm = {
  name: "round_robin",
  summary: "Each ready server in turn.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new RoundRobin(deps),
};
