import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HistoryQueue } from "./history-queue.ts";
import type { HistoryRecord, HistoryStore } from "./history-store.ts";
import { MAX_QUEUED_RESULTS, STORE_BATCH, STORE_INTERVAL } from "./limits.ts";

class FakeStore implements HistoryStore {
  readonly batches: number[][] = [];
  appending: () => Promise<void> | void = () => undefined;
  closed = false;

  append(batch: readonly HistoryRecord[]): void | Promise<void> {
    const done = this.appending();
    const keep = () => void this.batches.push(batch.map(({ at }) => at));
    return done instanceof Promise ? done.then(keep) : keep();
  }

  recent(): readonly HistoryRecord[] {
    return [];
  }

  close(): void {
    this.closed = true;
  }
}

const record = (at: number): HistoryRecord => {
  return { pool: "p", server: "s", check: "tcp", at, outcome: "healthy", latency: 1, reason: undefined };
};

let store: FakeStore;
let lines: string[];
let queue: HistoryQueue;

beforeEach(() => {
  vi.useFakeTimers();
  store = new FakeStore();
  lines = [];
  queue = new HistoryQueue(store, (level, message) => lines.push(`${level} ${message}`));
});

afterEach(async () => {
  store.appending = () => undefined;
  const closed = queue.close();
  await vi.runAllTimersAsync();
  await closed;
  vi.useRealTimers();
});

const add = (from: number, count: number) => {
  for (let at = from; at < from + count; at++) queue.add(record(at));
};
const turn = () => vi.advanceTimersByTimeAsync(STORE_INTERVAL);

describe("results on their way to the store", () => {
  it("go in batches, in order, each once", async () => {
    add(0, STORE_BATCH + 10);
    await turn();
    add(STORE_BATCH + 10, 5);
    await turn();
    expect(store.batches.map((batch) => batch.length)).toEqual([STORE_BATCH, 10, 5]);
    expect(store.batches.flat()).toEqual(Array.from({ length: STORE_BATCH + 15 }, (_, at) => at));
    expect(lines).toEqual([]);
  });

  it("wait while the store is slow, and what came meanwhile is not lost", async () => {
    const slow = Promise.withResolvers<void>();
    store.appending = () => slow.promise;
    add(0, 3);
    await turn();
    add(3, 3);
    await turn();
    expect(store.batches).toEqual([]);
    slow.resolve();
    await turn();
    expect(store.batches.flat()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("stay while the store fails, which is said once, and go when it works again, which is said too", async () => {
    store.appending = () => {
      throw new Error("disk full");
    };
    add(0, 3);
    await turn();
    await turn();
    expect(lines).toEqual(["warn the history of health checks cannot be stored, checks go on: disk full"]);
    store.appending = () => Promise.resolve();
    await turn();
    expect(store.batches.flat()).toEqual([0, 1, 2]);
    expect(lines.slice(1)).toEqual(["info the history of health checks is stored again; 0 results were given up"]);
  });

  it("are bounded: the oldest are given up, even while a batch is being written", async () => {
    const slow = Promise.withResolvers<void>();
    store.appending = () => slow.promise;
    add(0, 10);
    await turn();
    add(10, MAX_QUEUED_RESULTS + 2 * STORE_BATCH);
    slow.resolve();
    await turn();
    const kept = store.batches.flat().slice(10);
    expect(kept.length).toBeLessThanOrEqual(MAX_QUEUED_RESULTS);
    expect(kept.at(-1)).toBe(10 + MAX_QUEUED_RESULTS + 2 * STORE_BATCH - 1);
    expect(new Set(kept).size).toBe(kept.length);
  });

  it("are written at the end, and the store is closed; one that hangs does not hold the end up", async () => {
    add(0, 3);
    await queue.close();
    expect(store.batches.flat()).toEqual([0, 1, 2]);
    expect(store.closed).toBe(true);

    const stuck = new FakeStore();
    stuck.appending = () => new Promise(() => undefined);
    const other = new HistoryQueue(stuck, () => undefined);
    other.add(record(1));
    const closed = other.close();
    await vi.advanceTimersByTimeAsync(1_100);
    await closed;
  });
});
