import type { Static } from "typebox";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import { nextWeight, performanceScore, poolAverages } from "./performance-score.ts";
import { integer, milliseconds, number, settings } from "./settings.ts";
import { WeightedRotation } from "./weighted-rotation.ts";

const schema = settings({
  interval: milliseconds(30_000, "time between two adjustments"),
  initialWeight: integer(100, 1, 1000, "weight of an average server before the first adjustment"),
  minWeight: integer(1, 1, 1000, "least weight"),
  maxWeight: integer(1000, 1, 65_535, "greatest weight"),
  maxChange: number(0.1, 0.001, 1, "greatest change per adjustment, as a share of the weight"),
  smoothing: number(0.8, 0, 1, "share of the old weight in the moving average"),
  factors: settings({
    responseTime: number(0.4, 0, 1, "how much the average latency counts"),
    utilisation: number(0.3, 0, 1, "how much the reported utilisation (CPU) counts"),
    connections: number(0.2, 0, 1, "how much the requests in flight count, relative to the pool's average"),
    errors: number(0.1, 0, 1, "how much the share of failed requests counts"),
  }),
});

class DynamicWeightedRoundRobin implements Balancer {
  private readonly deps: BalancerDeps<Static<typeof schema>>;
  private readonly rotation: WeightedRotation;
  private servers: readonly Server[] = [];
  /** What each weight starts from and returns to: the configured share of `initialWeight`. */
  private bases = new Float64Array(0);
  private weights = new Float64Array(0);
  private adjustAt: number;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.deps = deps;
    this.rotation = new WeightedRotation(deps.worker / Math.max(1, deps.workers));
    this.adjustAt = deps.clock.now() + deps.config.interval;
  }

  choose(context: BalanceContext): Server | undefined {
    const now = this.deps.clock.now();
    if (now >= this.adjustAt) {
      this.adjust();
      this.adjustAt = now + this.deps.config.interval;
    }
    return this.rotation.next(context);
  }

  update(set: ServerSet): void {
    const learned = new Map<number, number>();
    for (let index = 0; index < this.servers.length; index++) {
      learned.set(
        (this.servers[index] as Server).slot,
        (this.weights[index] as number) / (this.bases[index] as number),
      );
    }
    const servers = eligibleServers(set);
    const mean = servers.reduce((sum, server) => sum + server.weight, 0) / servers.length;
    this.servers = servers;
    this.bases = Float64Array.from(servers, (server) => (this.deps.config.initialWeight * server.weight) / mean);
    this.weights = this.bases.map((base, index) =>
      this.clamp(base * (learned.get((servers[index] as Server).slot) ?? 1)),
    );
    this.rotate();
  }

  private adjust(): void {
    const { signals, config } = this.deps;
    const { servers } = this;
    const averages = poolAverages(signals, servers);
    for (let index = 0; index < servers.length; index++) {
      const score = performanceScore(signals, (servers[index] as Server).slot, averages, config.factors);
      const target = (this.bases[index] as number) * score;
      this.weights[index] = this.clamp(
        nextWeight(this.weights[index] as number, target, config.smoothing, config.maxChange),
      );
    }
    this.rotate();
  }

  /** What was learned is about the server itself; the scale comes on top. */
  private rotate(): void {
    const { servers } = this;
    this.rotation.set(
      servers,
      this.weights.map((weight, index) => weight * (servers[index] as Server).scale),
    );
  }

  private clamp(weight: number): number {
    return Math.max(this.deps.config.minWeight, Math.min(this.deps.config.maxWeight, weight));
  }
}

/**
 * Weighted rotation whose weights follow the servers' behaviour: every 30 s each weight moves, by at most 10 %, towards
 * its base × a score from latency, reported utilisation, requests in flight and failures. The base is the configured
 * weight relative to the pool's average, × `initialWeight`. What was learned survives updates.
 *
 * Source: requirements 000, section "Weighted Round Robin with Dynamic Adjustment". Three things differ from its sample:
 * latency counts relative to the pool's average (see `performanceScore`), credits are added before the choice instead of after it (there the first choice sees only zeros), and all servers
 * are scored before weights change.
 */
export const dynamicWeightedRoundRobin: BalancingAlgorithm<Static<typeof schema>> = {
  name: "dynamic_weighted_round_robin",
  summary: "Weighted rotation whose weights follow latency, utilisation, requests in flight and errors.",
  schema,
  usesHashKey: false,
  usesLoadReports: true,
  create: (deps) => new DynamicWeightedRoundRobin(deps),
};
