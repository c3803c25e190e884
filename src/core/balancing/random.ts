import type { BalanceContext, Balancer, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import type { Random } from "../random.ts";
import { scales } from "./effective-weights.ts";
import { eligibleServers } from "./eligible.ts";
import { noSettings } from "./settings.ts";
import { WeightedDraw } from "./weighted-draw.ts";

/** A balancer that is nothing but a draw. */
export class RandomChoice implements Balancer {
  private readonly draw: WeightedDraw;
  private readonly chances: (servers: readonly Server[]) => Float64Array;

  /** @param chances relative to each other, in the order of the servers */
  constructor(random: Random, chances: (servers: readonly Server[]) => Float64Array) {
    this.draw = new WeightedDraw(random);
    this.chances = chances;
  }

  choose(context: BalanceContext): Server | undefined {
    return this.draw.next(context);
  }

  update(set: ServerSet): void {
    const servers = eligibleServers(set);
    this.draw.set(servers, this.chances(servers));
  }
}

/** Any ready server with the same chance (× its scale), whatever its weight (0 is left out). A choice is O(1). */
export const random: BalancingAlgorithm = {
  name: "random",
  summary: "A ready server at random, all with the same chance.",
  schema: noSettings,
  usesHashKey: false,
  shares: "equal",
  create: (deps) => new RandomChoice(deps.random, scales),
};
