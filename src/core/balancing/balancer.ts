import type { TSchema } from "typebox";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";

/** One address in a pool, as a balancer sees it. Immutable; a change of the configuration makes new ones. */
export interface Server {
  /** Stable name: the same server keeps it over reloads and restarts. Hashing algorithms place servers by it. */
  readonly id: string;
  /** Index of the server's cells in shared memory; unique among all pools of the node. */
  readonly slot: number;
  /** Share of the traffic relative to the pool's other servers, as configured; 0 takes no new work. */
  readonly weight: number;
  /**
   * How much of its usual share the server should get now (above 0, at most 1): less than 1 in slow start and while it
   * is degraded. Every algorithm honours it: those that weigh use `weight × scale`, those that hash give away that part
   * of the server's keys, always the same ones. Only proportions matter: servers that all have the same scale get their
   * usual shares. Holds until the next `update`.
   */
  readonly scale: number;
  /** Lower is preferred; the priorities of one set are all the same (the choice among them comes before). */
  readonly priority: number;
  readonly zone?: string | undefined;
  /** Most requests in flight that the server takes; 0 is no limit. */
  readonly maxConnections: number;
}

/** The servers of a pool at one moment. Readiness is decided before the balancer runs. */
export interface ServerSet {
  /** Grows with each change; equal versions are the same set. */
  readonly version: number;
  readonly all: readonly Server[];
  /** Those that may get work now: a subset of `all`, in its order. */
  readonly ready: readonly Server[];
}

/** What the choice for one request may depend on. One object is reused for all requests of a worker: do not keep it. */
export interface BalanceContext {
  /** Unsigned 32-bit hash of the request's key (client address, cookie, …); 0 where the algorithm takes no key. */
  readonly hashKey: number;
  /** True for a server that this request has tried already or that is full. */
  isExcluded(server: Server): boolean;
}

/** How one exchange with a server ended, from its being chosen to the end of the answer. */
export interface Outcome {
  /** Milliseconds from the first byte sent to the head of the answer; NaN when none came. */
  readonly latency: number;
  /** False for a failed connect, a broken connection, a timeout or a 5xx answer. */
  readonly success: boolean;
  /** Status of the answer; 0 when none came. */
  readonly status: number;
}

/**
 * What a server's shared cells say right now, over all workers. `slot` is `Server.slot`. Reading is a plain memory
 * access: cheap enough for the request path.
 */
export interface ServerSignals {
  /** Requests in flight on the server, exact over all workers. */
  inFlight(slot: number): number;
  /** Moving average of the time to the answer's head in ms; NaN without a sample. */
  latency(slot: number): number;
  /** Peak-sensitive average (see peak_ewma) in ms as it was at `latencyAt`; NaN without a sample. */
  peakLatency(slot: number): number;
  /** When the last latency sample came, by `Clock.now()`; NaN without one. */
  latencyAt(slot: number): number;
  /** Moving share of failed requests, 0..1; 0 without a sample. */
  errorRate(slot: number): number;
  /** Moving rate of answered requests per second; 0 without a sample. */
  requestRate(slot: number): number;
  /** Utilisation as the server reported it (ORCA: 0..1, may exceed 1); NaN when it never did. */
  utilisation(slot: number): number;
  /** When the report came, by `Clock.now()`; NaN when none did. */
  utilisationAt(slot: number): number;
  /** When the server last entered the ready set, by `Clock.now()`; NaN when unknown. */
  readySince(slot: number): number;
}

/** A choice among servers, one instance per worker and pool. It only chooses: no sockets, headers or health. */
export interface Balancer {
  /** The server for the next request; undefined when no ready server is left that is not excluded. */
  choose(context: BalanceContext): Server | undefined;
  /** Another set takes effect from the next choice on. */
  update(set: ServerSet): void;
  /** Told at the end of each exchange by the worker that ran it, after the shared cells were updated. */
  onComplete?(server: Server, outcome: Outcome): void;
}

/** A read-only table in shared memory, built once on the main thread and used by every worker. */
export type SharedTable =
  Int32Array<SharedArrayBuffer> | Uint32Array<SharedArrayBuffer> | Uint16Array<SharedArrayBuffer>;

/** What an algorithm gets when a worker makes a balancer. */
export interface BalancerDeps<Config> {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly signals: ServerSignals;
  /** 0-based number of this worker and how many there are: for starting offsets. */
  readonly worker: number;
  readonly workers: number;
}

/** An entry of the registry: everything about an algorithm that others need to know. */
export interface BalancingAlgorithm<Config = unknown> {
  /** The configuration name, in snake case. */
  readonly name: string;
  /** Other names that mean the same (requirements use them). */
  readonly aliases?: readonly string[];
  /** One sentence for documentation and the API. */
  readonly summary: string;
  /** The algorithm's own settings (a TypeBox object with defaults); without `name`. */
  readonly schema: TSchema;
  /** True when the choice depends on `BalanceContext.hashKey`. */
  readonly usesHashKey: boolean;
  /** True when the choice depends on the utilisation that servers report; only then are reports read from answers. */
  readonly usesLoadReports?: boolean;
  /**
   * What each server gets in the long run: a part by its weight (the default), as much as every other one, or what
   * something else decides. The latter, and algorithms with a hash key, do not go together with rebalancing.
   */
  readonly shares?: "weight" | "equal" | "none";
  create(deps: BalancerDeps<Config>): Balancer;
}
