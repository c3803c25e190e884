import type { Random } from "../random.ts";

/** The part of a pool's `retries` that says how long a retry waits; both in ms. */
export interface BackoffConfig {
  readonly backoff: number;
  readonly maxBackoff: number;
}

/**
 * Milliseconds that a retry waits before it is sent: none for the first, since another server gets it; for the nth a
 * random time in (0, backoff × 2^(n−2)], capped at `maxBackoff`, so that requests that failed together do not come
 * back together.
 *
 * @param retry 1 for the first retry of a request
 *
 * Source: exponential backoff with "full jitter", Marc Brooker, "Exponential Backoff And Jitter" (AWS, 2015).
 */
export function retryDelay(retry: number, { backoff, maxBackoff }: BackoffConfig, random: Random): number {
  if (retry <= 1) return 0;
  const longest = Math.min(maxBackoff, backoff * 2 ** (retry - 2));
  return longest * (1 - random());
}
