import { later } from "../later.ts";
import type { PoolRuntime } from "../upstream/pool-runtime.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { Attempt } from "./attempt.ts";
import type { ServerChoice } from "./server-choice.ts";

/**
 * A second try that is sent while the first one has not answered for unusually long ("hedged requests": Dean and
 * Barroso, The Tail at Scale, 2013). The first head wins, and the other try is given up.
 */
export class Hedge {
  /** The second try; null while there is none. */
  second: Attempt | null = null;
  readonly #context: WorkerContext;
  readonly #choice: ServerChoice;
  readonly #create: () => Attempt;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: WorkerContext, choice: ServerChoice, create: () => Attempt) {
    this.#context = context;
    this.#choice = choice;
    this.#create = create;
  }

  /** Sends a second request when the first still waits after the learned time. `prepare` is called just before. */
  later(pool: PoolRuntime, first: Attempt, prepare: () => void): void {
    const delay = pool.hedging!.delay.delay();
    if (!(delay >= 0) || this.second !== null) return;
    this.stop();
    this.#timer = later(this.#context, delay, () => {
      this.#timer = null;
      this.#start(pool, first, prepare);
    });
  }

  #start(pool: PoolRuntime, first: Attempt, prepare: () => void): void {
    const { budget } = pool.hedging!;
    if (first.latency >= 0 || !first.running || !budget.allows(this.#context.now)) return;
    this.#choice.exclude(first.server!.slot);
    const server = this.#choice.takeAnother(pool);
    if (server === undefined) return this.#choice.readmit();
    budget.tryTake(this.#context.now);
    this.#context.scoreboard.hedged(server.slot);
    prepare();
    this.second = this.#create();
    this.second.begin(pool, server, this.#choice.trial);
  }

  /** No second request from now on. */
  stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** `winner` has the head: the other try is given up. */
  settle(first: Attempt, winner: Attempt): void {
    this.stop();
    const { second } = this;
    if (second === null) return;
    this.second = null;
    (winner === second ? first : second).cut();
  }

  /** One of the two has failed: the other one, if it still runs, is the only one from now on. */
  survivor(first: Attempt, failed: Attempt): Attempt | null {
    this.stop();
    const { second } = this;
    if (second === null) return null;
    this.second = null;
    const other = failed === second ? first : second;
    return other.running ? other : null;
  }

  cut(): void {
    this.stop();
    this.second?.cut();
    this.second = null;
  }
}
