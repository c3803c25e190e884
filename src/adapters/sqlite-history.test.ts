import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { HistoryRecord } from "../controlplane/health/history-store.ts";
import { SqliteHistory } from "./sqlite-history.ts";

const clock = { now: () => 0, wall: () => Date.UTC(2026, 0, 1) };
let folder: string;
let file: string;
const open: SqliteHistory[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "evenkeel-sqlite-"));
  file = join(folder, "evenkeel.db");
});
afterEach(() => {
  for (const history of open.splice(0)) history.close();
  rmSync(folder, { recursive: true, force: true });
});

function history(limits = { perServer: 100, total: 1_000_000 }, path = file): SqliteHistory {
  const opened = new SqliteHistory(path, clock, limits);
  open.push(opened);
  return opened;
}

function record(number: number, more: Partial<HistoryRecord> = {}): HistoryRecord {
  return {
    pool: "web",
    server: "127.0.0.1:9001",
    check: "http",
    at: 1_700_000_000_000 + number,
    outcome: "healthy",
    latency: number + 0.5,
    reason: undefined,
    ...more,
  };
}

const records = (count: number, more: Partial<HistoryRecord> = {}) =>
  Array.from({ length: count }, (_, number) => record(number, more));

function count(path = file): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return Number(database.prepare("SELECT count(*) AS n FROM health_check_results").get()!["n"]);
  } finally {
    database.close();
  }
}

describe("what was appended", () => {
  it("comes back, the oldest first, to another process as well", () => {
    const batch = [
      record(1),
      record(2, { outcome: "degraded", reason: "it says so" }),
      record(3, { outcome: "unhealthy", reason: "status 500, expected 200-299" }),
    ];
    const first = history();
    first.append(batch.slice(0, 2));
    first.append(batch.slice(2));
    first.append([record(4, { server: "other" }), record(5, { pool: "other" })]);
    expect(first.recent("web", "127.0.0.1:9001", 100)).toEqual(batch);
    first.close();
    expect(history().recent("web", "127.0.0.1:9001", 2)).toEqual(batch.slice(1));
  });

  it("stands in the table as others expect it", () => {
    history().append([record(1), record(2, { outcome: "unhealthy", reason: "refused" })]);
    const database = new DatabaseSync(file, { readOnly: true });
    const sql = "SELECT backend_id, timestamp, status, response_time_ms, error_message FROM health_check_results";
    expect(
      database
        .prepare(sql)
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([
      {
        backend_id: "127.0.0.1:9001",
        timestamp: "2023-11-14T22:13:20.001Z",
        status: "success",
        response_time_ms: 1.5,
        error_message: null,
      },
      {
        backend_id: "127.0.0.1:9001",
        timestamp: "2023-11-14T22:13:20.002Z",
        status: "failure",
        response_time_ms: 2.5,
        error_message: "refused",
      },
    ]);
    database.close();
  });

  it("is kept for the last results of each server", () => {
    const kept = history({ perServer: 10, total: 1000 });
    for (let batch = 0; batch < 20; batch++) {
      kept.append([...records(10), ...records(10, { server: "b" })]);
      expect(count()).toBeLessThanOrEqual(2 * (10 + 25 + 1));
    }
    kept.close();
    // The next process clears up what this one had not yet.
    history({ perServer: 10, total: 1000 }).append([record(1), record(1, { server: "b" })]);
    expect(count()).toBe(20);
  });

  it("is limited in all, the oldest going first", () => {
    const kept = history({ perServer: 100, total: 50 });
    for (let server = 0; server < 20; server++) kept.append(records(10, { server: `s${server}` }));
    expect(count()).toBe(50);
    expect(kept.recent("web", "s14", 100)).toEqual([]);
    expect(kept.recent("web", "s15", 100)).toHaveLength(10);
  });
});

/** Why a batch could not be kept; empty when it was. */
function failing(path = file): string {
  let reason = "";
  try {
    history(undefined, path).append([record(1)]);
  } catch (error) {
    reason = (error as Error).message;
  }
  return reason;
}

describe("a file that cannot be used", () => {
  it("is named, with what is wrong", () => {
    expect(failing(join(folder, "missing", "x.db"))).toMatch(/x\.db: it cannot be opened: the folder is missing/);
    expect(failing(folder)).toMatch(/cannot be opened/);
    writeFileSync(file, "this is no database, but a text of some length\n".repeat(50));
    expect(failing()).toBe(`${file}: it is not an SQLite database; move it away, and a new one is made`);
  });

  it("is never changed when it is somebody else's", () => {
    const text = "precious text, longer than a page of a database\n".repeat(200);
    writeFileSync(file, text);
    failing();
    expect(execFileSync("cat", [file]).toString()).toBe(text);
  });

  it("is left alone when a later version has written it", () => {
    history().append([record(1)]);
    open.pop()!.close();
    const database = new DatabaseSync(file);
    database.exec("INSERT INTO schema_migrations VALUES (99, 'x')");
    database.close();
    expect(failing()).toContain("it has version 99, which only a later version of Evenkeel understands");
  });

  it("is tried again, and works once it is a good one", () => {
    writeFileSync(file, "no database, no database, no database".repeat(50));
    const store = history();
    for (let i = 0; i < 3; i++) expect(() => store.append([record(1)])).toThrow("not an SQLite database");
    expect(store.recent("web", "127.0.0.1:9001", 1)).toEqual([]);
    rmSync(file);
    store.append([record(1)]);
    expect(store.recent("web", "127.0.0.1:9001", 1)).toHaveLength(1);
  });

  it("is made again when somebody removes it or puts another one in its place", () => {
    const store = history();
    store.append([record(1)]);
    rmSync(file);
    store.append([record(2)]);
    expect(existsSync(file)).toBe(true);
    expect(store.recent("web", "127.0.0.1:9001", 10).map(({ at }) => at)).toEqual([record(2).at]);
    const other = join(folder, "other.db");
    history(undefined, other).append([record(3)]);
    open.pop()!.close();
    renameSync(other, file);
    expect(store.recent("web", "127.0.0.1:9001", 10).map(({ at }) => at)).toEqual([record(3).at]);
  });

  it("is named when it was damaged, and nothing is thrown at who reads", () => {
    const store = history();
    for (let i = 0; i < 20; i++) store.append(records(50, { server: `s${i}`, reason: "x".repeat(200) }));
    store.close();
    const { size } = statSync(file);
    const bytes = Buffer.alloc(size - 4096, 0xa5);
    const header = execFileSync("head", ["-c", "4096", file], { maxBuffer: 1 << 20 });
    writeFileSync(file, Buffer.concat([header, bytes]));
    expect(failing()).toMatch(/it is damaged|not an SQLite database/);
    expect(history().recent("web", "s1", 10)).toEqual([]);
  });

  it("that is locked by another program is tried again", () => {
    const store = history();
    store.append([record(1)]);
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    expect(() => store.append([record(2)])).toThrow("another program keeps it locked");
    other.exec("ROLLBACK");
    other.close();
    store.append([record(2)]);
    expect(store.recent("web", "127.0.0.1:9001", 10)).toHaveLength(2);
  });
});

it("says that a folder does not take it", () => {
  // Nobody creates files there, root included.
  expect(() => history(undefined, "/proc/self/evenkeel.db").append([record(1)])).toThrow("it cannot be opened");
});

it("survives a full disk, loses nothing that it took, and goes on when there is room", ({ skip }) => {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "evenkeel-test", disk], { stdio: "ignore" });
  } catch {
    skip("mounting is not permitted here");
  }
  try {
    const store = history({ perServer: 1_000_000, total: 1_000_000 }, join(disk, "x.db"));
    store.append([record(0)]);
    const ballast = join(disk, "ballast");
    writeFileSync(ballast, Buffer.alloc(500_000));
    let taken = 1;
    let reason = "";
    for (let batch = 0; batch < 200 && reason === ""; batch++) {
      try {
        store.append(records(100, { reason: "y".repeat(200) }));
        taken += 100;
      } catch (error) {
        reason = (error as Error).message;
      }
    }
    expect(reason).toMatch(/x\.db: (the disk is full|the disk gives errors)$/);
    expect(store.recent("web", "127.0.0.1:9001", 1_000_000)).toHaveLength(taken);
    rmSync(ballast);
    store.append([record(1)]);
    expect(store.recent("web", "127.0.0.1:9001", 1_000_000)).toHaveLength(taken + 1);
    store.close();
  } finally {
    execFileSync("umount", ["-l", disk]);
  }
});

it("leaves whole batches in a readable file when the process is killed in the midst of writing", async () => {
  const script = `
    import { SqliteHistory } from ${JSON.stringify(new URL("./sqlite-history.ts", import.meta.url).href)};
    const store = new SqliteHistory(process.argv[1], { now: () => 0, wall: () => 0 }, { perServer: 1e9, total: 1e9 });
    for (let batch = 0; ; batch++) {
      store.append(Array.from({ length: 500 }, (_, i) => ({ pool: "p", server: "s", check: "tcp", at: batch * 500 + i,
        outcome: "healthy", latency: 1, reason: undefined })));
      process.stdout.write("x");
    }`;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", script, file]);
    let written = 0;
    child.stdout.on("data", (data: Buffer) => {
      written += data.length;
      if (written > 20) child.kill("SIGKILL");
    });
    let errors = "";
    child.stderr.on("data", (data: Buffer) => (errors += data.toString()));
    await once(child, "close");
    expect(errors).toBe("");
    const database = new DatabaseSync(file);
    expect(database.prepare("PRAGMA integrity_check").get()!["integrity_check"]).toBe("ok");
    database.close();
    const found = count();
    expect(found % 500).toBe(0);
    // What was said to be kept is there; the kill came some batches after the last sign at most.
    expect(found).toBeGreaterThanOrEqual(20 * 500);
    const store = history({ perServer: 1e9, total: 1e9 });
    store.append(records(500));
    expect(count()).toBe(found + 500);
    store.close();
  }
});
