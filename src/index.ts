import type { ConfigInput } from "./config/define-config.ts";
import { loadConfigObject } from "./config/load.ts";
import { ConfigError } from "./config/problem.ts";
import { notReady } from "./controlplane/api/health.ts";
import type { NodeState } from "./controlplane/api/node-state.ts";
import { poolServers, type ServerView } from "./controlplane/api/server-view.ts";
import { isHealthEvent } from "./controlplane/health/event-log.ts";
import type { HealthEvent } from "./controlplane/health/health-event.ts";
import type { Log } from "./controlplane/log.ts";
import type { ReloadOutcome } from "./controlplane/reload-outcome.ts";
import type { WorkerStatus } from "./controlplane/worker-status.ts";
import { BalancerNode, type NodeAddresses } from "./main/balancer-node.ts";
import { builtIn } from "./main/built-in.ts";

export { defineConfig, type ConfigInput } from "./config/define-config.ts";
export { ConfigError, type Problem } from "./config/problem.ts";
export type { Config } from "./config/schema.ts";
export type { Log, LogLevel } from "./controlplane/log.ts";
export type { ReloadOutcome } from "./controlplane/reload-outcome.ts";
export type { HealthChange, HealthEvent } from "./controlplane/health/health-event.ts";
export type { ServerView } from "./controlplane/api/server-view.ts";
export type { WorkerStatus } from "./controlplane/worker-status.ts";
export { defineAlgorithm, defineDiscovery, defineFilter, defineProbe } from "./core/extension.ts";
export type * from "./core/balancing/balancer.ts";
export type * from "./core/discovery/discovery.ts";
export type * from "./core/filtering/filter.ts";
export type * from "./core/health/probe.ts";
export type { NodeAddresses } from "./main/balancer-node.ts";

/** How a balancer runs inside another program. */
export interface LoadBalancerOptions {
  /** Where relative module paths start; the working directory by default. */
  readonly baseDir?: string;
  /** Where the balancer's own log goes; nowhere by default. */
  readonly log?: Log;
  /** Called with each change of a server's or a pool's health, within about 100 ms. What it throws is dropped. */
  readonly onHealthEvent?: (event: HealthEvent) => void;
}

/** What a balancer is doing right now. */
export interface LoadBalancerStats {
  /** Version of the configuration in use; 0 before the start. */
  readonly version: number;
  readonly ready: boolean;
  readonly workers: readonly WorkerStatus[];
  /** Pool name → its servers with their live counters. */
  readonly pools: Readonly<Record<string, readonly ServerView[]>>;
}

/** A load balancer inside another program: the same workers and the same traffic path as `evenkeel run`. */
export interface LoadBalancer {
  /** Binds everything. Rejects with a ConfigError (`problems` says what is wrong), or when an address cannot be bound. */
  start(): Promise<NodeAddresses>;
  /** Uses another configuration at once and for everything, or keeps the old one: `result` and `problems` say which. */
  reload(config: ConfigInput): Promise<ReloadOutcome>;
  stats(): LoadBalancerStats;
  /** Takes no new work, lets what is in flight end (at most `timeout` ms, by default `drainTimeout`), and stops. */
  drain(timeout?: number): Promise<void>;
  /** Stops at once; what is in flight is cut. */
  stop(): Promise<void>;
}

/**
 * A load balancer with this configuration; `start()` sets it going. It has no REST interface unless `admin` is given,
 * handles no signals and watches no files: that is up to the program around it.
 */
export function createLoadBalancer(config: ConfigInput, options: LoadBalancerOptions = {}): LoadBalancer {
  const baseDir = options.baseDir ?? process.cwd();
  const log: Log = options.log ?? (() => undefined);
  const load = (input: ConfigInput) => loadConfigObject({ admin: "off", ...input }, baseDir, builtIn);
  let node: BalancerNode | undefined;
  let state: NodeState | undefined;
  const started = (): BalancerNode => {
    if (node === undefined) throw new Error("the load balancer has not been started");
    return node;
  };
  return {
    async start() {
      if (node !== undefined) throw new Error("the load balancer has been started before");
      const loaded = await load(config);
      if (loaded.config === undefined) throw new ConfigError(loaded.problems);
      node = new BalancerNode({ loaded, log });
      state = node.state();
      const { onHealthEvent } = options;
      if (onHealthEvent !== undefined) {
        state.health.events.subscribe((event) => isHealthEvent(event) && onHealthEvent(event));
      }
      return node.start();
    },
    reload: async (input) => started().apply(() => load(input)),
    stats() {
      const snapshot = state?.snapshot();
      if (state === undefined || snapshot === undefined) return { version: 0, ready: false, workers: [], pools: {} };
      const sources = state;
      const pools = Object.keys(snapshot.config.pools).map(
        (name) => [name, poolServers(snapshot, name, sources)] as const,
      );
      return {
        version: snapshot.version,
        ready: notReady(state).length === 0,
        workers: state.workers(),
        pools: Object.fromEntries(pools),
      };
    },
    drain: async (timeout) => node?.drain(timeout),
    stop: async () => node?.close(),
  };
}
