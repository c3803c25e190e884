import type { Static } from "typebox";
import type {
  BalanceContext,
  Balancer,
  BalancerDeps,
  BalancingAlgorithm,
  Outcome,
  Server,
  ServerSet,
} from "./balancer.ts";
import { configuredWeights, effectiveWeights } from "./effective-weights.ts";
import { eligibleServers } from "./eligible.ts";
import { expectedLatency, fadedLatency, successRate } from "./latency-cost.ts";
import { ProbePool, unknownLatency } from "./probe-pool.ts";
import { QuantileWindow } from "./quantile-window.ts";
import { ScaleGate } from "./scale-gate.ts";
import { integer, milliseconds, number, settings } from "./settings.ts";
import { WeightedDraw } from "./weighted-draw.ts";

const schema = settings({
  poolSize: integer(16, 2, 64, "probes kept"),
  probesPerRequest: integer(3, 1, 16, "servers looked at for each request"),
  maxAge: milliseconds(1000, "age at which a probe is dropped"),
  hotQuantile: number(0.84, 0, 1, "a server is hot when it has more requests in flight than this share of the probes"),
  decay: milliseconds(10_000, "time in which the latency of a server that gets no requests fades to 37 %"),
});

/** Probes removed per request, and the paper's δ: how much more is used than is removed. */
const removedPerRequest = 1;
const reuseSlack = 1;
/** Probes that the distribution of requests in flight is taken from. */
const windowSize = 128;

class Prequal implements Balancer {
  private readonly deps: BalancerDeps<Static<typeof schema>>;
  private readonly draw: WeightedDraw;
  private readonly pool: ProbePool;
  private readonly window: QuantileWindow;
  private readonly gate: ScaleGate;
  private servers: readonly Server[] = [];
  private uses = Infinity;
  private removeOldest = true;

  constructor(deps: BalancerDeps<Static<typeof schema>>) {
    this.deps = deps;
    this.draw = new WeightedDraw(deps.random);
    this.pool = new ProbePool(deps.config.poolSize);
    this.window = new QuantileWindow(windowSize, deps.config.hotQuantile);
    this.gate = new ScaleGate(deps.worker / Math.max(1, deps.workers));
  }

  choose(context: BalanceContext): Server | undefined {
    const { pool, deps } = this;
    if (this.servers.length === 0) return undefined;
    const now = deps.clock.now();
    if (this.gate.active) this.gate.tick();
    pool.expire(now - deps.config.maxAge);
    for (let probe = 0; probe < deps.config.probesPerRequest; probe++) this.probe(now);
    const limit = this.window.quantile();
    const best = pool.best(limit, context);
    const server = best < 0 ? this.draw.next(context) : pool.use(best);
    if (pool.length > 2) {
      pool.remove(this.removeOldest ? pool.oldest() : pool.worst(limit));
      this.removeOldest = !this.removeOldest;
    }
    if (this.gate.active && server !== undefined) this.spend(server);
    return server;
  }

  update(set: ServerSet): void {
    const { poolSize, probesPerRequest } = this.deps.config;
    this.servers = eligibleServers(set);
    this.draw.set(this.servers, effectiveWeights(this.servers));
    this.gate.set(this.servers, configuredWeights(this.servers));
    this.pool.retain(this.servers);
    const fresh = (1 - poolSize / this.servers.length) * probesPerRequest - removedPerRequest;
    this.uses = fresh > 0 ? Math.max(1, (1 + reuseSlack) / fresh) : Infinity;
  }

  onComplete(server: Server, outcome: Outcome): void {
    if (!outcome.success) this.forget(server);
  }

  private forget(server: Server): void {
    const position = this.pool.find(server);
    if (position >= 0) this.pool.remove(position);
  }

  /** A server with a smaller scale than others is in the pool only while it may get a request. */
  private spend(server: Server): void {
    this.gate.spend(server);
    if (!this.gate.isOpen(server)) this.forget(server);
  }

  private probe(now: number): void {
    const { signals, config, random } = this.deps;
    const server = this.servers[this.draw.index()] as Server;
    const slot = server.slot;
    const inFlight = signals.inFlight(slot);
    const average = fadedLatency(signals.latency(slot), now - signals.latencyAt(slot), config.decay);
    const latency = expectedLatency(average, signals.requestRate(slot), inFlight) / successRate(signals, slot);
    this.window.add(inFlight);
    if (this.gate.active && !this.gate.isOpen(server)) return;
    // A budget that is not whole is rounded at random, so that it holds on average.
    const uses = this.uses === Infinity ? Infinity : Math.floor(this.uses + random());
    this.pool.add(server, now, inFlight, latency > 0 || inFlight === 0 ? latency : unknownLatency, uses);
  }
}

/**
 * Prequal with passive probes: instead of asking servers, each request reads the requests in flight and the latency
 * of three servers, drawn by weight, from shared memory into a pool of 16 probes. A server is hot when it has more
 * requests in flight than 84 % of the recent probes. Among the cold servers the fastest is taken; those up to twice as
 * slow count as equally fast, and the one of them with the fewest requests in flight wins, as it does when all are hot.
 * (The paper compares latencies exactly. As averages of many requests here, they would send all requests to one server
 * until the average notices.) A probe is dropped after 1 s, when it was used often enough, and, one per request,
 * alternately the oldest and the worst; a failed request drops its server's. With fewer than two usable probes a server
 * is drawn at random. O(pool size), whatever the number of servers.
 *
 * Source: B. Wydrowski, R. Kleinberg, S. Rumble, A. Archer, "Load is not what you should balance: Introducing
 * Prequal", NSDI 2024, section 4.
 */
export const prequal: BalancingAlgorithm<Static<typeof schema>> = {
  name: "prequal",
  summary: "The fastest of a few sampled servers that are not hot, else the least busy of them.",
  schema,
  usesHashKey: false,
  create: (deps) => new Prequal(deps),
};
