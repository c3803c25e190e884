import type { BalanceContext, Server } from "../../core/balancing/balancer.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { UpstreamServer } from "../upstream/upstream-server.ts";
import type { WorkerContext } from "../worker-context.ts";

/** The choice of servers for one request: what it depends on, which are out of the question, and counting it there. */
export class ServerChoice implements BalanceContext {
  hashKey = 0;
  /** After a `take` that found none: some server is full and may get room. */
  full = false;
  /** After a `take`: the server's breaker is half-open, and the request one of its trials. */
  trial = false;
  readonly #context: WorkerContext;
  /** Slots of servers that failed this request. */
  readonly #excluded: number[] = [];

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  isExcluded(server: Server): boolean {
    return this.#excluded.length !== 0 && this.#excluded.includes(server.slot);
  }

  /** Not this server again. */
  exclude(slot: number): void {
    this.#excluded.push(slot);
  }

  /** Takes the latest `exclude` back. */
  readmit(): void {
    this.#excluded.pop();
  }

  reset(): void {
    this.hashKey = 0;
    if (this.#excluded.length !== 0) this.#excluded.length = 0;
  }

  /**
   * A server that has room for the request, which is counted there from now on. Throws what the algorithm throws.
   */
  take(pool: PoolRuntime): UpstreamServer | undefined {
    const excluded = this.#excluded;
    const failed = excluded.length;
    this.full = false;
    this.trial = false;
    for (;;) {
      const server = pool.choose(this);
      if (server === undefined) {
        excluded.length = failed;
        return undefined;
      }
      const trial = pool.hasTrials && pool.onTrial(server.slot);
      if (!trial || pool.passive.tryTrial(server.slot)) {
        if (this.#context.scoreboard.tryBegin(server.slot, server.maxConnections)) {
          if (excluded.length !== failed) excluded.length = failed;
          this.trial = trial;
          return server;
        }
        if (trial) pool.passive.endTrial(server.slot);
        this.full = true;
      }
      // Only for the rest of this choice.
      excluded.push(server.slot);
    }
  }

  /** As `take`; a failing algorithm has none. For further tries: the first one has said what is wrong. */
  takeAnother(pool: PoolRuntime): UpstreamServer | undefined {
    try {
      return this.take(pool);
    } catch {
      return undefined;
    }
  }

  /** Nothing was sent to a server that was taken. */
  giveBack(pool: PoolRuntime, server: UpstreamServer, trial: boolean): void {
    this.#context.scoreboard.end(server.slot);
    if (trial) pool.passive.endTrial(server.slot);
  }
}
