import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { largestScale } from "./effective-weights.ts";
import { eligibleServers, firstNotExcluded, startingOffset } from "./eligible.ts";
import { noSettings } from "./settings.ts";

class RoundRobin implements Balancer {
  private servers: readonly Server[] = [];
  private next = -1;
  /** Parts of turns that servers with a smaller scale than others have saved, by slot; undefined without such ones. */
  private saved: Map<number, number> | undefined;
  private largest = 1;
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
      if (this.saved !== undefined && !this.isDue(server, this.saved)) continue;
      if (!context.isExcluded(server)) return server;
    }
    return this.saved === undefined ? undefined : firstNotExcluded(servers, this.next, context);
  }

  update(set: ServerSet): void {
    this.servers = eligibleServers(set);
    // The position is kept over updates: starting again would favour the first servers when updates are frequent.
    if (this.next < 0 && this.servers.length > 0) {
      this.next = startingOffset(this.servers.length, this.worker, this.workers);
    }
    const saved = new Map<number, number>();
    this.largest = largestScale(this.servers);
    for (const { slot, scale } of this.servers) {
      if (scale < this.largest) saved.set(slot, this.saved?.get(slot) ?? this.worker / Math.max(1, this.workers));
    }
    this.saved = saved.size > 0 ? saved : undefined;
  }

  /** A server with a scale of 0.1 takes every tenth of its turns. */
  private isDue(server: Server, saved: Map<number, number>): boolean {
    const before = saved.get(server.slot);
    if (before === undefined) return true;
    const parts = before + server.scale / this.largest;
    saved.set(server.slot, parts >= 1 ? parts - 1 : parts);
    return parts >= 1;
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
  shares: "equal",
  create: (deps) => new RoundRobin(deps),
};
