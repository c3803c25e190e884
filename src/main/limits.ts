import type { ResourceLimits } from "node:worker_threads";

/** How often a worker says that it is alive, in ms. */
export const BEAT_INTERVAL = 200;

/** A worker that has been silent for so many ms is taken for dead and replaced. */
export const HEARTBEAT_TIMEOUT = 5_000;

/** How long a worker may take to start, or to compile and swap a snapshot, in ms. */
export const ACKNOWLEDGE_TIMEOUT = 30_000;

/** Delay in ms before a crashed worker is started again: at once, then growing while it keeps crashing. */
export function restartDelay(crashesInARow: number): number {
  return crashesInARow <= 1 ? 0 : Math.min(30_000, 250 * 2 ** (crashesInARow - 2));
}

/** A worker that has run for so many ms does not count as crashing in a row. */
export const STABLE_AFTER = 60_000;

/**
 * Heap of one worker. The young generation is bigger than V8's default, so that what a request allocates is mostly
 * dead before a scavenge looks at it; the old one is bounded, so that a leak ends one worker (which is replaced) and
 * not the process.
 */
export const WORKER_HEAP: ResourceLimits = { maxYoungGenerationSizeMb: 48, maxOldGenerationSizeMb: 2048 };
