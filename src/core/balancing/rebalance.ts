/** How a pool's long-lived connections are moved to servers that have fewer than their share. */
export interface RebalanceConfig {
  /** Share of the pool's connections that may be closed in a minute, 0..1. */
  readonly perMinute: number;
  /** As many may be closed in a minute in any case. */
  readonly minPerMinute: number;
  /** By how much of its fair share a server may be above it, 0..1. */
  readonly threshold: number;
}

const MINUTE = 60_000;
/** Turns of the last so many ms may be made up for, where there are more turns than occasions to take them. */
export const CATCH_UP = 64;

/**
 * Time between two closings, over all workers, in ms: so long that no minute has more than the budget of closings, turns
 * that are made up for included.
 *
 * @param total the pool's connections
 */
export function closeInterval(total: number, { perMinute, minPerMinute }: RebalanceConfig): number {
  const budget = Math.max(minPerMinute, Math.floor(total * perMinute));
  // Where turns are made up for, a minute may see one more than its length holds.
  return Math.ceil((MINUTE + CATCH_UP) / (budget < MINUTE / CATCH_UP ? budget : budget - 1));
}

/**
 * How many connections a server keeps in any case: closing one is right only while it has more. Then it is above its
 * fair share by more than the threshold, and will not be below it.
 *
 * @param total connections of all servers
 * @param share the server's part of new work, 0..1
 */
export function kept(total: number, share: number, threshold: number): number {
  const fair = total * share;
  return Math.max(Math.ceil(fair), Math.floor(fair * (1 + threshold)));
}

/**
 * The server from which a connection should be closed: the one with the most beyond what it keeps. −1 when none has too
 * many.
 *
 * @param counts connections of each server over all workers
 * @param shares each server's part of new work, 0..1; negative for servers that are left alone, because they get none
 *   for other reasons
 * @param isOurs whether this worker has one of the server's connections
 */
export function mostBeyond(
  counts: ArrayLike<number>,
  shares: ArrayLike<number>,
  threshold: number,
  isOurs: (index: number) => boolean,
): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) if (shares[i]! >= 0) total += counts[i]!;
  let found = -1;
  let most = 0;
  for (let i = 0; i < counts.length; i++) {
    if (shares[i]! < 0) continue;
    const beyond = counts[i]! - kept(total, shares[i]!, threshold);
    if (beyond <= most || !isOurs(i)) continue;
    most = beyond;
    found = i;
  }
  return found;
}
