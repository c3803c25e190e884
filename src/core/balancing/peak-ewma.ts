import type { Static } from "typebox";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import { fadedLatency, latencyCost } from "./latency-cost.ts";
import { TwoChoices } from "./power-of-two-choices.ts";
import { milliseconds, settings } from "./settings.ts";

const schema = settings({
  decay: milliseconds(10_000, "time in which an old latency fades to 37 %"),
});

class PeakEwma implements Balancer {
  private readonly choices: TwoChoices;
  private readonly deps: BalancerDeps<Static<typeof schema>>;
  private now = 0;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.deps = deps;
    this.choices = new TwoChoices(deps.random, (server) => this.cost(server), deps.worker / Math.max(1, deps.workers));
  }

  choose(context: BalanceContext): Server | undefined {
    this.now = this.deps.clock.now();
    return this.choices.choose(context);
  }

  update(set: ServerSet): void {
    this.choices.set(eligibleServers(set));
  }

  private cost(server: Server): number {
    const { signals, config } = this.deps;
    const slot = server.slot;
    const latency = fadedLatency(signals.peakLatency(slot), this.now - signals.latencyAt(slot), config.decay);
    return latencyCost(signals, server, latency);
  }
}

/**
 * Two ready servers drawn at random by weight; the one with the lower peak-sensitive latency × (in flight + 1) /
 * weight wins. The average jumps to a higher latency at once and fades slowly, also while it is only read. O(1).
 *
 * Source: Finagle, PeakEwma; linkerd2-proxy.
 */
export const peakEwma: BalancingAlgorithm<Static<typeof schema>> = {
  name: "peak_ewma",
  summary: "The better one of two drawn servers by peak-sensitive latency and requests in flight.",
  schema,
  usesHashKey: false,
  create: (deps) => new PeakEwma(deps),
};
