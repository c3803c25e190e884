import type { BalanceContext, Balancer, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import type { Random } from "../random.ts";
import { eligibleServers } from "./eligible.ts";
import { noSettings } from "./settings.ts";
import { WeightedDraw } from "./weighted-draw.ts";

class WeightedRandom implements Balancer {
  private readonly draw: WeightedDraw;

  constructor(random: Random) {
    this.draw = new WeightedDraw(random);
  }

  choose(context: BalanceContext): Server | undefined {
    return this.draw.next(context);
  }

  update(set: ServerSet): void {
    this.draw.set(eligibleServers(set));
  }
}

/** A ready server at random with a chance in proportion to its weight. A choice is O(1), see `AliasTable`. */
export const weightedRandom: BalancingAlgorithm = {
  name: "weighted_random",
  aliases: ["weighted"],
  summary: "A ready server at random, each with a chance in proportion to its weight.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new WeightedRandom(deps.random),
};
