/** Time in ms over which the moving averages forget: after it a sample counts 1/e of a new one. */
export const TAU = 10_000;

/**
 * Weight e^(−Δt/τ) that what was known before keeps after `elapsed` ms. Under a fiftieth of τ, which is nearly always
 * under load, two terms of the series do (error below 2e-6).
 */
export function decay(elapsed: number): number {
  if (elapsed <= 0) return 1;
  const x = elapsed / TAU;
  return x < 0.02 ? 1 - x + 0.5 * x * x : Math.exp(-x);
}
