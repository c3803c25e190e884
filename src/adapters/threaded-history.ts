import { Worker } from "node:worker_threads";
import type { HistoryRecord, HistoryStore } from "../controlplane/health/history-store.ts";
import type { StoreReply, StoreRequest } from "./sqlite-thread.ts";

interface Pending {
  resolve(records: readonly HistoryRecord[]): void;
  reject(error: Error): void;
}

type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

/** How long a reader waits for a file that does not answer, in ms. */
const READ_TIMEOUT = 1_000;

/**
 * `SqliteHistory` in a thread of its own: a slow or hanging disk holds up that thread alone. It is started with the
 * first call, and again after it has died. A write takes as long as it takes; a read gives up.
 */
export class ThreadedHistory implements HistoryStore {
  readonly #file: string;
  readonly #pending = new Map<number, Pending>();
  #thread: Worker | undefined;
  #nextId = 1;

  /** @param file absolute path of the SQLite file */
  constructor(file: string) {
    this.#file = file;
  }

  async append(batch: readonly HistoryRecord[]): Promise<void> {
    await this.#ask({ type: "append", batch });
  }

  async recent(pool: string, server: string, limit: number): Promise<readonly HistoryRecord[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<readonly HistoryRecord[]>((resolve) => {
      timer = setTimeout(() => resolve([]), READ_TIMEOUT);
    });
    try {
      return await Promise.race([this.#ask({ type: "recent", pool, server, limit }), late]);
    } catch {
      return [];
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    if (thread === undefined) return;
    await this.#ask({ type: "close" });
    await thread.terminate();
  }

  #ask(request: Unnumbered<StoreRequest>): Promise<readonly HistoryRecord[]> {
    const thread = (this.#thread ??= this.#start());
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      thread.postMessage({ ...request, id });
    });
  }

  #start(): Worker {
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
    const thread = new Worker(new URL(`sqlite-thread${extension}`, import.meta.url), {
      name: "evenkeel-store",
      workerData: { file: this.#file },
    });
    // Neither an idle store nor one that hangs keeps the program from ending.
    thread.unref();
    let reason = "the thread of the store has ended";
    thread.on("error", (error) => (reason = `the thread of the store has failed: ${String(error)}`));
    thread.on("message", ({ id, records = [], failure }: StoreReply) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (failure === undefined) pending?.resolve(records);
      else pending?.reject(new Error(failure));
    });
    thread.on("exit", () => {
      if (this.#thread === thread) this.#thread = undefined;
      for (const { reject } of this.#pending.values()) reject(new Error(reason));
      this.#pending.clear();
    });
    return thread;
  }
}
