import type { Static } from "typebox";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { eligibleServers } from "./eligible.ts";
import { milliseconds, number, settings } from "./settings.ts";
import { WeightedRotation } from "./weighted-rotation.ts";

const schema = settings({
  updateInterval: milliseconds(1000, "time between two computations of the weights"),
  blackout: milliseconds(10_000, "how long a server must have reported before its reports count"),
  expiry: milliseconds(180_000, "age at which a report no longer counts"),
  errorPenalty: number(1, 0, 100, "utilisation that a share of failed requests of 1 stands for"),
});

class ResourceBased implements Balancer {
  private readonly deps: BalancerDeps<Static<typeof schema>>;
  private readonly rotation: WeightedRotation;
  private servers: readonly Server[] = [];
  private weights = new Float64Array(0);
  /** Each server's last weight from a report and when that was made; 0 and NaN when there is none. */
  private reported = new Float64Array(0);
  private reportedAt = new Float64Array(0);
  /** Since when each server has been reporting without a gap; NaN while it does not. */
  private reportingSince = new Float64Array(0);
  private computeAt = -Infinity;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.deps = deps;
    this.rotation = new WeightedRotation(deps.worker / Math.max(1, deps.workers));
  }

  choose(context: BalanceContext): Server | undefined {
    const now = this.deps.clock.now();
    if (now >= this.computeAt) this.compute(now);
    return this.rotation.next(context);
  }

  update(set: ServerSet): void {
    const before = new Map<number, number>();
    this.servers.forEach((server, index) => before.set(server.slot, index));
    this.servers = eligibleServers(set);
    const kept = (values: Float64Array, otherwise: number) =>
      Float64Array.from(this.servers, ({ slot }) => values[before.get(slot) ?? -1] ?? otherwise);
    this.reportingSince = kept(this.reportingSince, NaN);
    this.reported = kept(this.reported, 0);
    this.reportedAt = kept(this.reportedAt, NaN);
    this.weights = new Float64Array(this.servers.length);
    this.compute(this.deps.clock.now());
  }

  private compute(now: number): void {
    const { servers, weights } = this;
    this.computeAt = now + this.deps.config.updateInterval;
    let sum = 0;
    let known = 0;
    for (let index = 0; index < servers.length; index++) {
      const weight = this.reportedWeight(index, now);
      weights[index] = weight;
      if (weight > 0) {
        sum += weight;
        known++;
      }
    }
    for (let index = 0; index < servers.length; index++) {
      if (known < 2) weights[index] = (servers[index] as Server).weight;
      else if (weights[index] === 0) weights[index] = sum / known;
    }
    this.rotation.set(
      servers,
      weights.map((weight, index) => weight * (servers[index] as Server).scale),
    );
  }

  /** Requests per second that the server could answer at full utilisation; 0 while its reports do not count. */
  private reportedWeight(index: number, now: number): number {
    const { signals, config } = this.deps;
    const slot = (this.servers[index] as Server).slot;
    const utilisation = signals.utilisation(slot);
    const rate = signals.requestRate(slot);
    const reportAt = signals.utilisationAt(slot);
    // An idle server's report says nothing about what it can take: the one before holds until it is too old.
    if (utilisation > 0 && rate > 0 && now - reportAt < config.expiry) {
      this.reported[index] = rate / (utilisation + signals.errorRate(slot) * config.errorPenalty);
      this.reportedAt[index] = reportAt;
    }
    if (!(now - (this.reportedAt[index] as number) < config.expiry)) {
      this.reportingSince[index] = NaN;
      return 0;
    }
    let since = this.reportingSince[index] as number;
    if (Number.isNaN(since) || since < signals.readySince(slot)) since = now;
    this.reportingSince[index] = since;
    return now - since < config.blackout ? 0 : (this.reported[index] as number);
  }
}

/**
 * Weighted rotation by what the servers report about themselves: weight = requests per second / (utilisation +
 * errors per request × penalty), computed every second. A server's reports count after it has been reporting for
 * 10 s, and for 3 min each; until then it gets the mean of the others. While fewer than two servers' reports count,
 * the configured weights hold.
 *
 * Source: gRFC A58, client-side weighted round robin; ORCA for the reports.
 */
export const resourceBased: BalancingAlgorithm<Static<typeof schema>> = {
  name: "resource_based",
  summary: "Weighted rotation by the utilisation that the servers report.",
  schema,
  usesHashKey: false,
  usesLoadReports: true,
  create: (deps) => new ResourceBased(deps),
};
