import type { Random } from "../random.ts";

/**
 * Why an order failed, as far as the next one depends on it: `unreachable`, the authority did not answer or not as one
 * does; `limited`, it has had enough for now (RFC 8555 6.6); `refused`, anything else: a challenge that failed, a name that it
 * does not want, a file of ours that cannot be written.
 */
export type FailureKind = "unreachable" | "limited" | "refused";

export interface Failure {
  readonly kind: FailureKind;
  /** How many in a row, with this one: 1 or more. */
  readonly failures: number;
  /** What the authority said with Retry-After, in ms; null for nothing. */
  readonly retryAfter: number | null;
  /** ms until the certificate that is in use ends; 0 when there is none or it has ended. */
  readonly left: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** First waits. An authority counts orders that it has refused (a common limit is 5 in an hour), not those that it has not seen. */
const FIRST: Readonly<Record<FailureKind, number>> = {
  unreachable: 3 * SECOND,
  refused: 2 * MINUTE,
  limited: 15 * MINUTE,
};
/** Longest waits. */
const LONGEST: Readonly<Record<FailureKind, number>> = {
  unreachable: 30 * MINUTE,
  refused: 6 * HOUR,
  limited: 6 * HOUR,
};
/** The authority's Retry-After is obeyed up to here; to ask once a day does no harm. */
const LONGEST_RETRY_AFTER = 24 * HOUR;
/** Of the time that is left, a wait takes at most this share; with nothing left, waits grow to `WITHOUT_CERTIFICATE`. */
const SHARE_OF_LEFT = 1 / 10;
const WITHOUT_CERTIFICATE = HOUR;
const JITTER = 0.25;

/**
 * In how many ms to try again after a failure. The waits double, up to a bound that is lower the nearer the end of the
 * certificate in use is; it is never given up. Chance adds up to a quarter. What the authority says is always waited for.
 */
export function retryDelay({ kind, failures, retryAfter, left }: Failure, random: Random): number {
  const bound = Math.max(left * SHARE_OF_LEFT, WITHOUT_CERTIFICATE);
  const doubled = FIRST[kind] * 2 ** Math.min(failures - 1, 30);
  const wait = Math.min(doubled, LONGEST[kind], bound) * (1 + JITTER * random());
  return Math.round(Math.max(wait, Math.min(retryAfter ?? 0, LONGEST_RETRY_AFTER)));
}
