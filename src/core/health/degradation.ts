/** How much of the traffic a pool serves by the share of its servers that is ready. A higher level serves less. */
export const DegradationLevel = {
  /** All requests. */
  full: 0,
  /** All but those of low importance. */
  reduced: 1,
  /** Critical requests only. */
  critical: 2,
  /** Nothing: no server is ready. */
  none: 3,
} as const;
export type DegradationLevel = (typeof DegradationLevel)[keyof typeof DegradationLevel];

/** Importance of a route's requests. */
export const Importance = { low: 0, normal: 1, critical: 2 } as const;
export type Importance = (typeof Importance)[keyof typeof Importance];

/** Shares of ready servers (0..1) from which the levels full and reduced hold; `reduced` is not above `full`. */
export interface DegradationThresholds {
  readonly full: number;
  readonly reduced: number;
}

/** The level of a pool with so many servers ready of so many in all. A share right at a threshold meets it. */
export function degradationLevel(
  ready: number,
  total: number,
  { full, reduced }: DegradationThresholds,
): DegradationLevel {
  if (ready <= 0) return DegradationLevel.none;
  // Seven of ten are 70 %, whatever 0.7 × 10 is in binary.
  if (ready >= full * total - rounding) return DegradationLevel.full;
  if (ready >= reduced * total - rounding) return DegradationLevel.reduced;
  return DegradationLevel.critical;
}

const rounding = 1e-9;

/** Whether requests of this importance are served at this level. For every request: one comparison. */
export function isServed(level: DegradationLevel, importance: Importance): boolean {
  return level <= importance;
}

/**
 * Whether a pool counts as failed, so that its fallback takes over: fewer servers are ready than it needs. Without any
 * ready server it always has.
 *
 * @param minimumHealthy 0 means the same as 1
 */
export function poolFailed(ready: number, minimumHealthy: number): boolean {
  return ready < minimumHealthy || ready <= 0;
}
