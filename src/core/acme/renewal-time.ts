import type { Random } from "../random.ts";

/** When a certificate is good, in ms since 1970-01-01 UTC. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** When an authority would like a certificate to be renewed (RFC 9773 4.1), in ms since 1970-01-01 UTC. */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
}

/** Share of the time before the end that chance adds, so that certificates of one day are not all renewed in one minute. */
const JITTER = 0.1;
/** A certificate is not renewed before this share of its life is left, however long `renewBefore` is. */
const LARGEST_SHARE = 1 / 3;

/**
 * When to renew a certificate of which the authority does not say when: `renewBefore` ms before its end, but with no more
 * than a third of its life left, and up to a tenth of that earlier.
 *
 * @returns ms since 1970-01-01 UTC
 */
export function renewalByLifetime({ notBefore, notAfter }: Validity, renewBefore: number, random: Random): number {
  const lead = Math.max(0, Math.min(renewBefore, (notAfter - notBefore) * LARGEST_SHARE));
  return Math.round(notAfter - lead * (1 + JITTER * random()));
}

/**
 * A moment of the window by chance, each as likely as the other (RFC 9773 4.2). It may be in the past: then it is time.
 *
 * @returns ms since 1970-01-01 UTC
 */
export function renewalInWindow({ start, end }: RenewalWindow, random: Random): number {
  return Math.round(start + (end - start) * random());
}

/** True for a window that can be used: its end comes after its start (RFC 9773 4.2). */
export function isWindow({ start, end }: RenewalWindow): boolean {
  return Number.isFinite(start) && Number.isFinite(end) && end > start;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** How long the authority's word holds when it does not say: six hours (RFC 9773 4.3.3). */
const USUAL_RECHECK = 6 * HOUR;
/** What it says is taken within a minute and a day (RFC 9773 4.3.2). */
const RECHECK_LIMITS = { min: MINUTE, max: 24 * HOUR } as const;

/**
 * In how many ms to ask for renewal information again.
 *
 * @param retryAfter what the authority said, in ms; null when it said nothing or did not answer
 */
export function recheckDelay(retryAfter: number | null): number {
  return Math.max(RECHECK_LIMITS.min, Math.min(RECHECK_LIMITS.max, retryAfter ?? USUAL_RECHECK));
}
