import type { WorkerContext } from "../worker-context.ts";
import { Exchange } from "./exchange.ts";

/** Exchanges kept for reuse; more than this many at once are rare, and collected. */
const MAX_KEPT = 2048;

/** Exchanges of one worker, made once and used again and again. */
export class ExchangePool {
  readonly #context: WorkerContext;
  readonly #free: Exchange[] = [];

  constructor(context: WorkerContext) {
    this.#context = context;
  }

  take(): Exchange {
    return this.#free.pop() ?? new Exchange(this.#context);
  }

  give(exchange: Exchange): void {
    if (this.#free.length < MAX_KEPT) this.#free.push(exchange);
  }
}
