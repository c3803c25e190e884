import type { Random } from "../random.ts";

/** Share by which chance shortens times of absence, so that servers that went together do not return together. */
const JITTER = 0.1;

/** A time in ms that chance makes up to a tenth shorter. */
export function jittered(time: number, random: Random): number {
  return time * (1 - JITTER * random());
}

/** The settings that say how long ejections last, in ms. */
export interface EjectionTimes {
  readonly ejectionTime: number;
  readonly maxEjectionTime: number;
}

/**
 * How often in a row a server counts as ejected: as often as at the end of its last ejection, less one for each
 * `ejectionTime` since (Envoy's outlier detection counts in the same way, at each of its intervals).
 *
 * @param until when the last ejection was over; NaN for none
 */
export function ejectionsAt(ejections: number, until: number, ejectionTime: number, now: number): number {
  if (!(now > until)) return ejections;
  return Math.max(0, ejections - Math.floor((now - until) / ejectionTime));
}

/** How long the `count`-th ejection in a row lasts, in ms: `count` times the first one, up to the longest. */
export function ejectionLength(times: EjectionTimes, count: number, random: Random): number {
  return jittered(Math.min(times.ejectionTime * count, times.maxEjectionTime), random);
}

/** The second absence in a row lasts this long at least, in ms; each further one twice as long. */
const FIRST_ABSENCE = 1000;

/**
 * How long a server that became unreachable for the `count`-th time in a row stays out at least, in ms: not at all the
 * first time (it was restarted, most likely), then for a time that doubles up to the longest.
 */
export function absenceLength(count: number, longest: number): number {
  return count < 2 ? 0 : Math.min(longest, FIRST_ABSENCE * 2 ** Math.min(count - 2, 30));
}

/** How many of a pool's servers may be ejected at a time: the share, rounded down, but at least one. */
export function mostEjected(servers: number, share: number): number {
  // 0.29 × 100 is 28.999… in doubles.
  return Math.max(1, Math.floor(servers * share + 1e-9));
}
