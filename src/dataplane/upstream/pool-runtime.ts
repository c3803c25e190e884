import type { PoolConfig } from "../../config/schema.ts";
import type { BalanceContext, Balancer, BalancingAlgorithm } from "../../core/balancing/balancer.ts";
import { compileHashKey, type HashKey } from "../../core/balancing/hash-key.ts";
import { readySet } from "../../core/balancing/ready-set.ts";
import { ServerState } from "../../shared-memory/server-state.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { ServerConnections } from "./server-connections.ts";
import { UpstreamServer } from "./upstream-server.ts";

/** A pool in one worker: its servers, their connections, and the balancer that chooses among them. */
export class PoolRuntime {
  readonly name: string;
  readonly config: PoolConfig;
  readonly servers: readonly UpstreamServer[];
  /** Computes the key for algorithms that take one; null for the others. */
  readonly hashKey: HashKey | null;
  /** Whether answers are looked at for load reports. */
  readonly readsReports: boolean;
  readonly #context: WorkerContext;
  readonly #balancer: Balancer;
  readonly #tellsOutcome: boolean;
  #seen = -1;
  #sets = 0;

  /**
   * @param slots the servers' slots, in the order of the configuration
   * @param previous the connections of an earlier configuration, by `connectionKey`
   */
  constructor(
    name: string,
    config: PoolConfig,
    slots: readonly number[],
    algorithm: BalancingAlgorithm,
    context: WorkerContext,
    previous: ReadonlyMap<string, ServerConnections>,
  ) {
    this.name = name;
    this.config = config;
    this.#context = context;
    this.servers = config.servers.map((server, index) => {
      const slot = slots[index]!;
      return new UpstreamServer(
        server,
        slot,
        config.upstream,
        context,
        previous.get(connectionKey(slot, server.address)),
      );
    });
    this.hashKey = algorithm.usesHashKey ? compileHashKey(config.algorithm.key) : null;
    this.readsReports = algorithm.usesLoadReports === true;
    this.#balancer = algorithm.create({
      config: config.algorithm.settings,
      clock: context.clock,
      random: context.random,
      signals: context.scoreboard,
      worker: context.worker,
      workers: context.workers,
    });
    this.#tellsOutcome = this.#balancer.onComplete !== undefined;
    this.#refresh(context.scoreboard.stateVersion());
  }

  /** The server for a request; undefined when none is ready that is not excluded. */
  choose(context: BalanceContext): UpstreamServer | undefined {
    const version = this.#context.scoreboard.stateVersion();
    if (version !== this.#seen) this.#refresh(version);
    return this.#balancer.choose(context) as UpstreamServer | undefined;
  }

  /** Tells the balancer how an exchange ended. */
  complete(server: UpstreamServer, latency: number, success: boolean, status: number): void {
    if (!this.#tellsOutcome) return;
    try {
      this.#balancer.onComplete!(server, { latency, success, status });
    } catch (error) {
      this.#context.log("error", `pool ${this.name}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  #refresh(version: number): void {
    const { scoreboard } = this.#context;
    this.#seen = version;
    this.#balancer.update(
      readySet(++this.#sets, this.servers, (server) => scoreboard.state(server.slot) === ServerState.up),
    );
  }
}

/** Connections belong to a slot and an address: a server that moved gets new ones. */
export function connectionKey(slot: number, address: string): string {
  return `${slot} ${address}`;
}
