import type { Static } from "typebox";
import type { BalanceContext, Balancer, BalancerDeps, BalancingAlgorithm, Server, ServerSet } from "./balancer.ts";
import { configuredWeights } from "./effective-weights.ts";
import { eligibleServers } from "./eligible.ts";
import { fadedLatency, latencyCost } from "./latency-cost.ts";
import { LeastLoaded } from "./least-loaded.ts";
import { milliseconds, settings } from "./settings.ts";

const schema = settings({
  decay: milliseconds(10_000, "time in which the latency of a server that gets no requests fades to 37 %"),
});

class LeastResponseTime implements Balancer {
  private readonly chooser: LeastLoaded;
  private readonly deps: BalancerDeps<Static<typeof schema>>;
  private now = 0;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.deps = deps;
    this.chooser = new LeastLoaded((server) => this.cost(server), deps.worker / Math.max(1, deps.workers));
  }

  choose(context: BalanceContext): Server | undefined {
    this.now = this.deps.clock.now();
    return this.chooser.choose(context);
  }

  update(set: ServerSet): void {
    this.now = this.deps.clock.now();
    const servers = eligibleServers(set);
    this.chooser.set(servers, configuredWeights(servers));
  }

  onComplete(server: Server): void {
    this.chooser.touch(server);
  }

  private cost(server: Server): number {
    const { signals, config } = this.deps;
    const slot = server.slot;
    const latency = fadedLatency(signals.latency(slot), this.now - signals.latencyAt(slot), config.decay);
    return latencyCost(signals, server, latency);
  }
}

/**
 * The ready server with the lowest average latency × (in flight + 1) / weight. A server without samples is tried with
 * one request at a time; the latency of one that gets no requests fades, so that a server which was slow is tried
 * again (without that, a few slow answers would leave it out for ever: traefik issue 12306). Exact up to 64 servers,
 * see `LeastLoaded` for bigger sets.
 */
export const leastResponseTime: BalancingAlgorithm<Static<typeof schema>> = {
  name: "least_response_time",
  summary: "The server with the lowest average latency × (requests in flight + 1) / weight.",
  schema,
  usesHashKey: false,
  create: (deps) => new LeastResponseTime(deps),
};
