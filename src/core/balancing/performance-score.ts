import type { ServerSignals } from "./balancer.ts";

/** How much each signal counts, 0 (not at all) to 1. */
export interface PerformanceFactors {
  readonly responseTime: number;
  readonly utilisation: number;
  readonly connections: number;
  readonly errors: number;
}

/** A signal's part in the product: 1 when it does not count, its score (0..) when it counts fully. */
function part(factor: number, score: number): number {
  return 1 - factor + factor * score;
}

/**
 * How well a server does, between 0.1 and 5; 1 is an idle server that has told nothing yet. Signals without a sample
 * are left out.
 *
 * @param averageInFlight mean of the requests in flight over the pool's servers
 *
 * Source: requirements 000, section "Weighted Round Robin with Dynamic Adjustment".
 */
export function performanceScore(
  signals: ServerSignals,
  slot: number,
  averageInFlight: number,
  factors: PerformanceFactors,
): number {
  let score = 1;
  const latency = signals.latency(slot);
  if (latency > 0) score *= part(factors.responseTime, 1 / (1 + latency / 1000));
  const utilisation = signals.utilisation(slot);
  if (utilisation >= 0) score *= part(factors.utilisation, 1 - Math.min(1, utilisation));
  if (averageInFlight > 0) {
    score *= part(factors.connections, Math.max(0, 2 - signals.inFlight(slot) / averageInFlight));
  }
  score *= part(factors.errors, 1 - signals.errorRate(slot));
  return Math.max(0.1, Math.min(5, score));
}

/**
 * One step of a weight towards its target: an exponential moving average, held to a greatest relative change.
 *
 * @param smoothing share of the old weight, 0..1
 * @param maxChange greatest change as a share of the old weight
 */
export function nextWeight(current: number, target: number, smoothing: number, maxChange: number): number {
  const change = (1 - smoothing) * (target - current);
  const most = current * maxChange;
  return current + Math.max(-most, Math.min(most, change));
}
