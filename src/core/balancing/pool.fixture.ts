import { Value } from "typebox/value";
import type { Clock } from "../clock.ts";
import { seededRandom } from "../random.ts";
import type { BalanceContext, Balancer, BalancingAlgorithm, Server, ServerSet, ServerSignals } from "./balancer.ts";

/** Servers for tests, named s0, s1 …, with these weights. */
export function makeServers(weights: readonly number[], overrides: Partial<Server> = {}): Server[] {
  return weights.map((weight, index) => ({
    id: `10.0.${index >> 8}.${index & 255}:8080`,
    slot: index,
    weight,
    scale: 1,
    priority: 0,
    maxConnections: 0,
    ...overrides,
  }));
}

/** A set of which all but the given servers are ready. */
export function setOf(servers: readonly Server[], notReady: (server: Server) => boolean = () => false): ServerSet {
  return { version: 1, all: servers, ready: servers.filter((server) => !notReady(server)) };
}

/** Signals that a test sets by slot; everything is as on a fresh node at first. */
export class FakeSignals implements ServerSignals {
  readonly cells = new Map<string, number>();
  inFlight = (slot: number) => this.cells.get(`inFlight ${slot}`) ?? 0;
  latency = (slot: number) => this.cells.get(`latency ${slot}`) ?? NaN;
  peakLatency = (slot: number) => this.cells.get(`peakLatency ${slot}`) ?? NaN;
  latencyAt = (slot: number) => this.cells.get(`latencyAt ${slot}`) ?? NaN;
  errorRate = (slot: number) => this.cells.get(`errorRate ${slot}`) ?? 0;
  requestRate = (slot: number) => this.cells.get(`requestRate ${slot}`) ?? 0;
  utilisation = (slot: number) => this.cells.get(`utilisation ${slot}`) ?? NaN;
  utilisationAt = (slot: number) => this.cells.get(`utilisationAt ${slot}`) ?? NaN;
  readySince = (slot: number) => this.cells.get(`readySince ${slot}`) ?? NaN;

  set(name: keyof ServerSignals, slot: number, value: number): void {
    this.cells.set(`${name} ${slot}`, value);
  }

  add(name: keyof ServerSignals, slot: number, value: number): void {
    this.set(name, slot, this[name](slot) + value);
  }
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  time = 1000;
  now = () => this.time;
  wall = () => this.time;
}

/** A balancer of an algorithm with its default settings, and the world it sees. */
export class Bench {
  readonly signals = new FakeSignals();
  readonly clock = new FakeClock();
  readonly balancer: Balancer;
  readonly context: { hashKey: number; isExcluded: BalanceContext["isExcluded"] } = {
    hashKey: 0,
    isExcluded: () => false,
  };
  private requests = 0;

  constructor(
    algorithm: BalancingAlgorithm,
    options: { seed?: number; worker?: number; workers?: number; config?: object } = {},
  ) {
    const { seed = 1, worker = 0, workers = 1, config = {} } = options;
    this.balancer = algorithm.create({
      config: { ...(Value.Default(algorithm.schema, {}) as object), ...config },
      clock: this.clock,
      random: seededRandom(seed),
      signals: this.signals,
      worker,
      workers,
    });
  }

  /** The choice for the nth request: keys are spread as those of a good hash. */
  choose(key = this.requests++): Server | undefined {
    this.context.hashKey = Math.imul(key, 0x9e3779b9) >>> 0;
    return this.balancer.choose(this.context);
  }

  /** Requests per slot when `count` come one after the other. */
  counts(count: number, servers: number): number[] {
    const counts = Array.from({ length: servers }, () => 0);
    for (let index = 0; index < count; index++) {
      const server = this.choose();
      if (server !== undefined) counts[server.slot] = (counts[server.slot] as number) + 1;
    }
    return counts;
  }
}
