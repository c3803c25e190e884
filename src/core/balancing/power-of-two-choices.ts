import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { configuredWeights, effectiveWeights } from "./effective-weights.ts";
import { eligibleServers } from "./eligible.ts";
import type { Load } from "./least-loaded.ts";
import { ScaleGate } from "./scale-gate.ts";
import { noSettings } from "./settings.ts";
import { WeightedDraw } from "./weighted-draw.ts";
import type { Random } from "../random.ts";

/**
 * Two servers drawn at random by weight × scale, of which the one with less load is taken; a tie goes to the first
 * drawn. One with a smaller scale than others that has had its part is taken only when the other one has, too.
 */
export class TwoChoices {
  private readonly draw: WeightedDraw;
  private readonly load: Load;
  private readonly gate: ScaleGate;

  /** @param phase as of `ScaleGate` */
  constructor(random: Random, load: Load, phase: number) {
    this.draw = new WeightedDraw(random);
    this.load = load;
    this.gate = new ScaleGate(phase);
  }

  set(servers: readonly Server[]): void {
    this.draw.set(servers, effectiveWeights(servers));
    this.gate.set(servers, configuredWeights(servers));
  }

  choose(context: BalanceContext): Server | undefined {
    const first = this.draw.next(context);
    if (first === undefined) return undefined;
    const second = this.draw.another(context, first);
    if (this.gate.active) return this.gated(first, second);
    return second === undefined || this.load(first) <= this.load(second) ? first : second;
  }

  private gated(first: Server, second: Server | undefined): Server {
    const { gate } = this;
    gate.tick();
    let chosen = first;
    if (second !== undefined) {
      const firstOpen = gate.isOpen(first);
      const wins = firstOpen === gate.isOpen(second) ? this.load(first) <= this.load(second) : firstOpen;
      if (!wins) chosen = second;
    }
    gate.spend(chosen);
    return chosen;
  }
}

class PowerOfTwoChoices implements Balancer {
  private readonly choices: TwoChoices;

  constructor(deps: BalancerDeps<unknown>) {
    const signals = deps.signals;
    this.choices = new TwoChoices(
      deps.random,
      (server) => signals.inFlight(server.slot) / server.weight,
      deps.worker / Math.max(1, deps.workers),
    );
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
