import { HealthFlag } from "../../shared-memory/health-flags.ts";

/** What changed about a server, or (the last four) about a pool. */
export type HealthChange =
  | "healthy"
  | "unhealthy"
  | "degraded"
  | "unreachable"
  | "reachable"
  | "ejected"
  | "returned"
  | "breaker_open"
  | "breaker_half_open"
  | "breaker_closed"
  | "draining"
  | "drain_ended"
  | "maintenance"
  | "maintenance_ended"
  | "forced_down"
  | "forced_up"
  | "force_ended"
  | "pool_failed"
  | "pool_recovered"
  | "pool_panic"
  | "pool_panic_ended";

/** A change of a server's health, or of its pool's. */
export interface HealthEvent {
  /** Grows by one with each event of the node, from 1. */
  readonly id: number;
  /** ms since 1970-01-01 UTC. */
  readonly at: number;
  readonly pool: string;
  /** Undefined when it is about the pool. */
  readonly server: string | undefined;
  readonly what: HealthChange;
  /** Why, in one line; undefined where nothing is to be said. */
  readonly reason: string | undefined;
  /** Whether the server takes new work after it, or the pool has enough servers that do. */
  readonly ready: boolean;
}

/** An event before the log has given it a number. */
export type NewHealthEvent = Omit<HealthEvent, "id">;

const F = HealthFlag;
const checks = F.unhealthy | F.degraded | F.unknown;
const breaker = F.breakerOpen | F.breakerTrial;

/** What happened when a server's flags went from `before` to `after`, in the order in which people would tell it. */
export function changesOf(before: number, after: number): HealthChange[] {
  const changed = before ^ after;
  const changes: HealthChange[] = [];
  const tell = (flag: number, set: HealthChange, cleared: HealthChange) => {
    if ((changed & flag) !== 0) changes.push((after & flag) !== 0 ? set : cleared);
  };
  tell(F.unreachable, "unreachable", "reachable");
  if ((changed & checks) !== 0) {
    if ((changed & after & F.unhealthy) !== 0) changes.push("unhealthy");
    else if ((changed & after & F.degraded) !== 0) changes.push("degraded");
    else if ((after & checks) === 0) changes.push("healthy");
  }
  tell(F.ejected, "ejected", "returned");
  if ((changed & breaker) !== 0) {
    if ((after & F.breakerOpen) !== 0) changes.push("breaker_open");
    else changes.push((after & F.breakerTrial) !== 0 ? "breaker_half_open" : "breaker_closed");
  }
  tell(F.draining, "draining", "drain_ended");
  tell(F.maintenance, "maintenance", "maintenance_ended");
  if ((changed & (F.forcedDown | F.forcedUp)) !== 0) {
    if ((after & F.forcedDown) !== 0) changes.push("forced_down");
    else changes.push((after & F.forcedUp) !== 0 ? "forced_up" : "force_ended");
  }
  return changes;
}

const bad: ReadonlySet<HealthChange> = new Set([
  "unhealthy",
  "degraded",
  "unreachable",
  "ejected",
  "breaker_open",
  "pool_failed",
  "pool_panic",
]);

const byOperators: ReadonlySet<HealthChange> = new Set([
  "draining",
  "drain_ended",
  "maintenance",
  "maintenance_ended",
  "forced_down",
  "forced_up",
  "force_ended",
]);

/** True for what operators have said; whoever carries it out writes to the log what it is and what it means. */
export function isByOperator(change: HealthChange): boolean {
  return byOperators.has(change);
}

/** True for changes for the worse that nobody has asked for. */
export function isBad(change: HealthChange): boolean {
  return bad.has(change);
}

/** The event in one line for the log. */
export function eventText({ pool, server, what, reason }: NewHealthEvent): string {
  const subject = server === undefined ? `pool ${pool}` : `server ${server} of pool ${pool}`;
  const words = (server === undefined ? what.slice("pool_".length) : what).replaceAll("_", " ");
  return `${subject}: ${words}${reason === undefined ? "" : ` (${reason})`}`;
}
