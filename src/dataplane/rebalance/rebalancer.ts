import { closeInterval, kept, mostBeyond, type RebalanceConfig } from "../../core/balancing/rebalance.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";

/** A server whose connections are moved. */
type BalancedServer = Pick<UpstreamServer, "slot" | "weight" | "scale">;

/** The parts of a `TierPlan` that it takes. */
interface BalancedPlan {
  readonly tiers: readonly { readonly set: { readonly ready: readonly BalancedServer[] }; readonly share: number }[];
}

/** The parts of a worker that it takes. */
type RebalancerContext = Pick<WorkerContext, "scoreboard" | "movables">;

/**
 * Closes WebSockets of a pool's servers that have more than their share, one at a time and at the pace that the pool
 * allows, so that their clients come back and new servers get some. Each worker closes its own; the counts and the pace
 * are common to all.
 */
export class Rebalancer {
  readonly #config: RebalanceConfig;
  readonly #context: RebalancerContext;
  readonly #servers: readonly BalancedServer[];
  readonly #equal: boolean;
  readonly #counts: Float64Array;
  /** Each server's part of new work; −1 for one that is not ready. */
  readonly #shares: Float64Array;
  readonly #isOurs = (index: number): boolean => this.#context.movables.count(this.#servers[index]!.slot) > 0;

  /** @param equal whether the balancing algorithm gives each server the same, whatever its weight */
  constructor(config: RebalanceConfig, servers: readonly BalancedServer[], equal: boolean, context: RebalancerContext) {
    this.#config = config;
    this.#servers = servers;
    this.#equal = equal;
    this.#context = context;
    this.#counts = new Float64Array(servers.length);
    this.#shares = new Float64Array(servers.length).fill(-1);
  }

  /** Who gets new work has changed. */
  follow({ tiers }: BalancedPlan): void {
    this.#shares.fill(-1);
    for (const { set, share } of tiers) {
      let sum = 0;
      for (const server of set.ready) sum += this.#weight(server);
      if (sum === 0) continue;
      for (const server of set.ready)
        this.#shares[this.#servers.indexOf(server)] = (share * this.#weight(server)) / sum;
    }
  }

  #weight(server: BalancedServer): number {
    return server.scale * (this.#equal ? 1 : server.weight);
  }

  /** Called every tick of the worker. */
  tick(now: number): void {
    const { webSockets } = this.#context.scoreboard;
    const { threshold } = this.#config;
    for (;;) {
      let total = 0;
      this.#servers.forEach(({ slot }, index) => {
        this.#counts[index] = webSockets.open(slot);
        if (this.#shares[index]! >= 0) total += this.#counts[index]!;
      });
      const index = mostBeyond(this.#counts, this.#shares, threshold, this.#isOurs);
      if (index < 0) return;
      if (!webSockets.takeTurn(this.#servers[0]!.slot, now, closeInterval(total, this.#config))) return;
      const { slot } = this.#servers[index]!;
      // Another worker may have closed one in this very moment: then it is enough.
      if (!webSockets.tryLeave(slot, kept(total, this.#shares[index]!, threshold))) return;
      this.#context.movables.takeOldest(slot)!.moveAway();
    }
  }
}
