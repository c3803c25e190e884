import type { Log } from "../log.ts";
import type { HistoryRecord, HistoryStore } from "./history-store.ts";
import { MAX_QUEUED_RESULTS, STORE_BATCH, STORE_INTERVAL } from "./limits.ts";

/** How long the end of the program waits for the store, in ms. */
const CLOSE_TIMEOUT = 1_000;

/**
 * Results on their way to the store, in batches. Checks never wait for it: while it is slow or fails, results queue up
 * to a limit, and then the oldest are given up. That is said once, and once more when it works again.
 */
export class HistoryQueue {
  readonly #store: HistoryStore;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #waiting: HistoryRecord[] = [];
  #writing: Promise<void> | undefined;
  #failing = false;
  #lost = 0;

  constructor(store: HistoryStore, log: Log) {
    this.#store = store;
    this.#log = log;
    this.#timer = setInterval(() => void this.flush(), STORE_INTERVAL);
    this.#timer.unref();
  }

  add(record: HistoryRecord): void {
    this.#waiting.push(record);
    if (this.#waiting.length <= MAX_QUEUED_RESULTS) return;
    // A batch at a time: taking one off the front of a long list would cost as much for each.
    this.#lost += this.#waiting.splice(0, STORE_BATCH).length;
  }

  /** Hands over what waits, unless the store is still busy. Never rejects. */
  flush(): Promise<void> {
    if (this.#writing !== undefined) return this.#writing;
    if (this.#waiting.length === 0) return Promise.resolve();
    this.#writing = this.#write().finally(() => (this.#writing = undefined));
    return this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, STORE_BATCH);
      try {
        await this.#store.append(batch);
      } catch (error) {
        if (!this.#failing) {
          this.#failing = true;
          const reason = error instanceof Error ? error.message : String(error);
          this.#log("warn", `the history of health checks cannot be stored, checks go on: ${reason}`);
        }
        return;
      }
      // What came while it was written stands behind the batch; what was given up stood in it.
      const first = this.#waiting.indexOf(batch.at(-1)!);
      if (first !== -1) this.#waiting.splice(0, first + 1);
      if (!this.#failing) continue;
      this.#failing = false;
      this.#log("info", `the history of health checks is stored again; ${this.#lost} results were given up`);
      this.#lost = 0;
    }
  }

  /** Writes what waits and closes the store; gives up on either after a second. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    let late: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (late = setTimeout(resolve, CLOSE_TIMEOUT)));
    try {
      await Promise.race([this.flush().then(() => this.#store.close()), limit]);
    } catch (error) {
      this.#log("warn", `the store did not close: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      clearTimeout(late);
    }
  }
}
