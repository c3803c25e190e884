import type { DatabaseSync } from "node:sqlite";

/**
 * What brings a database from one version to the next, in order: version n is reached with the first n. Those that have
 * been released are never changed, only followed by others.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE health_check_results (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     pool TEXT NOT NULL,
     backend_id TEXT NOT NULL,
     timestamp TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('success', 'failure')),
     response_time_ms REAL NOT NULL,
     status_code INTEGER,
     error_message TEXT,
     check_type TEXT NOT NULL,
     outcome TEXT NOT NULL CHECK (outcome IN ('healthy', 'degraded', 'unhealthy'))
   );
   CREATE INDEX idx_backend_timestamp ON health_check_results (pool, backend_id, id);`,
];

/**
 * Brings a database to the latest version, all in one transaction. Throws for one that a later version of the program
 * has written: what that put into it is not known here.
 *
 * @param now ms since 1970-01-01 UTC
 */
export function migrate(database: DatabaseSync, now: number): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    database.exec(
      "CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
    );
    const row = database.prepare("SELECT max(version) AS version FROM schema_migrations").get();
    const version = Number(row?.["version"] ?? 0);
    if (version > MIGRATIONS.length) {
      throw new Error(`it has version ${version}, which only a later version of Evenkeel understands`);
    }
    const note = database.prepare("INSERT INTO schema_migrations (version, applied_at) VALUES (?, ?)");
    for (let next = version + 1; next <= MIGRATIONS.length; next++) {
      database.exec(MIGRATIONS[next - 1]!);
      note.run(next, new Date(now).toISOString());
    }
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
