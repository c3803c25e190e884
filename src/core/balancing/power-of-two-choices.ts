import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import type { Load } from "./least-loaded.ts";
import { noSettings } from "./settings.ts";
import { WeightedDraw } from "./weighted-draw.ts";
import type { Random } from "../random.ts";

/** Two servers drawn at random by weight, of which the one with less load is taken; a tie goes to the first drawn. */
export class TwoChoices {
  private readonly draw: WeightedDraw;
  private readonly load: Load;

  constructor(random: Random, load: Load) {
    this.draw = new WeightedDraw(random);
    this.load = load;
  }

  set(servers: readonly Server[]): void {
    this.draw.set(servers);
  }

  choose(context: BalanceContext): Server | undefined {
    const first = this.draw.next(context);
    if (first === undefined) return undefined;
    const second = this.draw.another(context, first);
    return second === undefined || this.load(first) <= this.load(second) ? first : second;
  }
}

class PowerOfTwoChoices implements Balancer {
  private readonly choices: TwoChoices;

  constructor(deps: BalancerDeps<unknown>) {
    const signals = deps.signals;
    this.choices = new TwoChoices(deps.random, (server) => signals.inFlight(server.slot) / server.weight);
  }

  choose(context: BalanceContext): Server | undefined {
    return this.choices.choose(context);
  }

  update(set: ServerSet): void {
    this.choices.set(eligibleServers(set));
  }
}

/**
 * Two ready servers drawn at random by weight; the one with fewer requests in flight per unit of weight wins. O(1),
 * and within a small constant of the best balance whatever the size of the pool.
 *
 * Source: M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
 */
export const powerOfTwoChoices: BalancingAlgorithm = {
  name: "power_of_two_choices",
  summary: "The less busy one of two servers drawn at random by weight.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new PowerOfTwoChoices(deps),
};
