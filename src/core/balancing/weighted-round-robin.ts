import type { BalanceContext, Balancer, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { effectiveWeights } from "./effective-weights.ts";
import { eligibleServers } from "./eligible.ts";
import { noSettings } from "./settings.ts";
import { WeightedRotation } from "./weighted-rotation.ts";

class WeightedRoundRobin implements Balancer {
  private readonly rotation: WeightedRotation;

  constructor(phase: number) {
    this.rotation = new WeightedRotation(phase);
  }

  choose(context: BalanceContext): Server | undefined {
    return this.rotation.next(context);
  }

  update(set: ServerSet): void {
    const servers = eligibleServers(set);
    this.rotation.set(servers, effectiveWeights(servers));
  }
}

/**
 * In turn, in proportion to the weights. Smooth (nginx) up to 64 servers, earliest deadline first beyond; see
 * `WeightedRotation`.
 */
export const weightedRoundRobin: BalancingAlgorithm = {
  name: "weighted_round_robin",
  summary: "Servers in turn, each in proportion to its weight, spread evenly over the cycle.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new WeightedRoundRobin(deps.worker / Math.max(1, deps.workers)),
};
