import { rmSync, statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "../core/clock.ts";
import type { HistoryRecord, HistoryStore } from "../controlplane/health/history-store.ts";
import { sqliteReason } from "./sqlite-error.ts";
import { migrate } from "./sqlite-migrations.ts";

/** Limits of the history; small ones are for tests. */
export interface SqliteHistoryLimits {
  /** Results that are kept per server. */
  readonly perServer: number;
  /** Results that are kept in all: those of servers that no longer exist go first, for theirs are the oldest. */
  readonly total: number;
}

const LIMITS: SqliteHistoryLimits = { perServer: 100, total: 1_000_000 };

/** A server's old results are removed with every so many new ones, and not with each. */
const PRUNE_EVERY = 25;
/** Servers whose new results are counted for that; beyond it counting begins again. */
const MAX_COUNTED = 100_000;
/** Most results that are removed with one batch because of the total. */
const MAX_REMOVED = 10_000;
/** How long another program may keep the file locked, in ms. */
const LOCK_TIMEOUT = 100;

interface Connection {
  readonly database: DatabaseSync;
  readonly insert: StatementSync;
  readonly prune: StatementSync;
  readonly recent: StatementSync;
  /** What the path and that of the write-ahead log led to when it was opened. */
  readonly identity: string;
  readonly logIdentity: string;
  /** Results in the table. */
  rows: number;
}

/**
 * Keeps the history of health checks in an SQLite file, in the table `health_check_results`. Each batch is one
 * transaction; the journal is a write-ahead log, so that a crash costs the last batches at most. The file is opened when
 * it is needed, and again after anything went wrong with it or another one took its place.
 */
export class SqliteHistory implements HistoryStore {
  readonly #file: string;
  readonly #clock: Clock;
  readonly #limits: SqliteHistoryLimits;
  /** Results of a server since its old ones were last removed. */
  readonly #fresh = new Map<string, number>();
  #connection: Connection | undefined;

  /** @param file absolute path; the file is made when it is not there, its folder is not */
  constructor(file: string, clock: Clock, limits = LIMITS) {
    this.#file = file;
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Keeps all of the batch or throws, and nothing of it was kept. */
  append(batch: readonly HistoryRecord[]): void {
    this.#use((connection) => {
      const { database, insert } = connection;
      let { rows } = connection;
      database.exec("BEGIN IMMEDIATE");
      try {
        for (const record of batch) insert.run(...columnsOf(record));
        rows += batch.length;
        rows -= this.#prune(connection, batch);
        rows -= this.#limitTotal(database, rows);
        database.exec("COMMIT");
      } catch (error) {
        this.#fresh.clear();
        if (database.isTransaction) database.exec("ROLLBACK");
        throw error;
      }
      connection.rows = rows;
    });
  }

  /** Nothing when the file cannot be read: what this process has seen itself is known without it. */
  recent(pool: string, server: string, limit: number): readonly HistoryRecord[] {
    try {
      return this.#use(({ recent }) => recent.all(pool, server, limit).map(recordOf)).toReversed();
    } catch {
      return [];
    }
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.database.close();
  }

  #use<Result>(work: (connection: Connection) => Result): Result {
    try {
      if (this.#connection !== undefined && identityOf(this.#file) !== this.#connection.identity) this.#replaced();
      this.#connection ??= this.#open();
      return work(this.#connection);
    } catch (error) {
      this.#abandon();
      throw new Error(sqliteReason(this.#file, error), { cause: error });
    }
  }

  #open(): Connection {
    // Loaded only when it is wanted: earlier releases of Node 24 warn that it is experimental.
    const { DatabaseSync: Database } = process.getBuiltinModule("node:sqlite");
    const database = new Database(this.#file, { timeout: LOCK_TIMEOUT });
    try {
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304");
      migrate(database, this.#clock.wall());
      const table = "health_check_results";
      return {
        database,
        insert: database.prepare(
          `INSERT INTO ${table}
             (pool, backend_id, timestamp, status, response_time_ms, error_message, check_type, outcome)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        ),
        prune: database.prepare(
          `DELETE FROM ${table} WHERE pool = ?1 AND backend_id = ?2 AND id <=
             (SELECT id FROM ${table} WHERE pool = ?1 AND backend_id = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)`,
        ),
        recent: database.prepare(`SELECT * FROM ${table} WHERE pool = ? AND backend_id = ? ORDER BY id DESC LIMIT ?`),
        identity: identityOf(this.#file),
        logIdentity: identityOf(`${this.#file}-wal`),
        rows: Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.["rows"] ?? 0),
      };
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Lets go of a file with which something is wrong. */
  #abandon(): void {
    try {
      this.close();
    } catch {
      // Nothing depends on how it ends.
    }
    this.#fresh.clear();
  }

  /** Another file stands at the path, or none: the log of the old one must not be read into it. */
  #replaced(): void {
    const log = `${this.#file}-wal`;
    const own = this.#connection!.logIdentity;
    this.#abandon();
    if (own === "" || identityOf(log) !== own) return;
    rmSync(log, { force: true });
    rmSync(`${this.#file}-shm`, { force: true });
  }

  /** Removes old results of the servers in a batch, and returns how many. */
  #prune({ prune }: Connection, batch: readonly HistoryRecord[]): number {
    if (this.#fresh.size > MAX_COUNTED) this.#fresh.clear();
    let removed = 0;
    for (const { pool, server } of batch) {
      const key = JSON.stringify([pool, server]);
      // The first time that this process sees a server it looks as well: an earlier one may have left some.
      const fresh = (this.#fresh.get(key) ?? PRUNE_EVERY) + 1;
      if (fresh <= PRUNE_EVERY) {
        this.#fresh.set(key, fresh);
        continue;
      }
      this.#fresh.set(key, 0);
      removed += Number(prune.run(pool, server, this.#limits.perServer).changes);
    }
    return removed;
  }

  #limitTotal(database: DatabaseSync, rows: number): number {
    const excess = Math.min(rows - this.#limits.total, MAX_REMOVED);
    if (excess <= 0) return 0;
    const remove = database.prepare(
      `DELETE FROM health_check_results WHERE id IN (SELECT id FROM health_check_results ORDER BY id LIMIT ?)`,
    );
    return Number(remove.run(excess).changes);
  }
}

type Columns = [string, string, string, string, number, string | null, string, string];

function columnsOf({ pool, server, check, at, outcome, latency, reason }: HistoryRecord): Columns {
  const status = outcome === "unhealthy" ? "failure" : "success";
  return [pool, server, new Date(at).toISOString(), status, latency, reason ?? null, check, outcome];
}

function recordOf(row: Record<string, unknown>): HistoryRecord {
  return {
    pool: String(row["pool"]),
    server: String(row["backend_id"]),
    check: String(row["check_type"]),
    at: Date.parse(String(row["timestamp"])),
    outcome: row["outcome"] as HistoryRecord["outcome"],
    latency: Number(row["response_time_ms"]),
    reason: row["error_message"] === null ? undefined : String(row["error_message"]),
  };
}

/** Tells whether another file has taken a path; empty when there is none. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}
