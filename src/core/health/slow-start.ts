/** How fast a server that came back gets its traffic. */
export interface SlowStart {
  /** Milliseconds until it has its whole share; 0 turns slow start off. */
  readonly window: number;
  /** 1 raises the share in a straight line; above 1 it rises faster at first, below 1 slower. Above 0. */
  readonly aggression: number;
  /** Share that it has from its first moment on, 0..1. */
  readonly minimumShare: number;
}

/** A scale is never 0, also where the configured minimum is: algorithms divide by it. */
const leastScale = 0.001;

/**
 * The part of its usual share that a server should get, by how long it has been ready:
 * max(minimumShare, (t / window)^(1 / aggression)), and 1 from the end of the window on. 1 also without a window, and
 * when it is not known since when the server is ready.
 *
 * @param readySince when the server last became ready, in ms by the same clock as `now`; NaN when unknown
 *
 * Source: Envoy, "Slow start mode" (there the least share is called min_weight_percent).
 */
export function slowStartScale(readySince: number, now: number, config: SlowStart): number {
  const { window, aggression, minimumShare } = config;
  const elapsed = now - readySince;
  // Also true for NaN, which compares with nothing.
  if (!(window > 0) || !(elapsed < window)) return 1;
  const share = Math.max(minimumShare, (Math.max(0, elapsed) / window) ** (1 / aggression));
  return Math.min(1, Math.max(leastScale, share));
}

/**
 * Divides the scales of a pool's ready servers by the largest of them, in place: only the proportions matter, so a
 * pool whose servers all have just started (after a deployment, or when the node starts) is not held back at all.
 *
 * @param scales each above 0; may be empty
 */
export function normaliseScales(scales: Float64Array): void {
  let largest = 0;
  for (const scale of scales) if (scale > largest) largest = scale;
  if (!(largest > 0) || largest === 1) return;
  for (let index = 0; index < scales.length; index++) scales[index] = (scales[index] as number) / largest;
}
