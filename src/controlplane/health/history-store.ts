/** The result of one health check, as the history keeps it. */
export interface HistoryRecord {
  /** Names of the pool and of the server in it (`serverId`). */
  readonly pool: string;
  readonly server: string;
  /** Type of the check, as `http`. */
  readonly check: string;
  /** When it ended, ms since 1970-01-01 UTC. */
  readonly at: number;
  readonly outcome: "healthy" | "degraded" | "unhealthy";
  /** Time that the check took, in ms. */
  readonly latency: number;
  /** One line for people; undefined for a good check. */
  readonly reason: string | undefined;
}

/**
 * Keeps the history of health checks beyond the process. The monitor hands over batches from time to time; it neither
 * waits for `append` nor stops when that fails, and gives up what a store that stays broken could not take.
 */
export interface HistoryStore {
  /** Takes a batch, in the order of time; throws or rejects when it could not be kept. */
  append(batch: readonly HistoryRecord[]): void | Promise<void>;
  /** At most `limit` of a server's latest records, the oldest first. */
  recent(pool: string, server: string, limit: number): readonly HistoryRecord[] | Promise<readonly HistoryRecord[]>;
  /** Releases what it holds. Nothing is appended afterwards. */
  close(): void | Promise<void>;
}
