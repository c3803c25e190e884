import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { HistoryRecord } from "../controlplane/health/history-store.ts";
import { ThreadedHistory } from "./threaded-history.ts";

let folder: string;
let file: string;
let store: ThreadedHistory;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-thread-"));
  file = join(folder, "evenkeel.db");
  store = new ThreadedHistory(file);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const record = (at: number): HistoryRecord => {
  return { pool: "p", server: "s", check: "tcp", at, outcome: "unhealthy", latency: 1.5, reason: "refused" };
};

it("keeps and gives back what it got", async () => {
  await Promise.all([store.append([record(1), record(2)]), store.append([record(3)])]);
  expect(await store.recent("p", "s", 2)).toEqual([record(2), record(3)]);
  await store.close();
  store = new ThreadedHistory(file);
  expect(await store.recent("p", "s", 9)).toEqual([record(1), record(2), record(3)]);
});

it("says what is wrong with the file, and goes on when that is over", async () => {
  writeFileSync(file, "no database at all ".repeat(100));
  await expect(store.append([record(1)])).rejects.toThrow(`${file}: it is not an SQLite database`);
  expect(await store.recent("p", "s", 9)).toEqual([]);
  rmSync(file);
  await store.append([record(1)]);
  expect(await store.recent("p", "s", 9)).toEqual([record(1)]);
});

it("holds up nobody while the file does, and a reader not for long", async () => {
  await store.append([record(1)]);
  const other = new DatabaseSync(file);
  // As long as this lasts, the thread waits for the lock.
  other.exec("BEGIN IMMEDIATE");
  let turns = 0;
  const counting = setInterval(() => turns++, 1);
  await expect(store.append([record(2)])).rejects.toThrow("another program keeps it locked");
  clearInterval(counting);
  expect(turns).toBeGreaterThan(10);
  other.exec("ROLLBACK");
  other.close();
  await store.append([record(2)]);
});

it("closes without having been used, and twice", async () => {
  await store.close();
  await store.append([record(1)]);
  await store.close();
  await store.close();
});
