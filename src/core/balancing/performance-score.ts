import type { Server, ServerSignals } from "./balancer.ts";

/** How much each signal counts, 0 (not at all) to 1. */
export interface PerformanceFactors {
  readonly responseTime: number;
  readonly utilisation: number;
  readonly connections: number;
  readonly errors: number;
}

/** What a pool's servers have on average. */
export interface PoolAverages {
  /** Requests in flight; 0 when there are none. */
  readonly inFlight: number;
  /** ms, over the servers that have a sample; 0 when none has. */
  readonly latency: number;
}

/** The averages over these servers. */
export function poolAverages(signals: ServerSignals, servers: readonly Server[]): PoolAverages {
  let inFlight = 0;
  let latency = 0;
  let samples = 0;
  for (const { slot } of servers) {
    inFlight += signals.inFlight(slot);
    const sample = signals.latency(slot);
    if (!(sample > 0)) continue;
    latency += sample;
    samples++;
  }
  return { inFlight: inFlight / (servers.length || 1), latency: samples > 0 ? latency / samples : 0 };
}

/** A signal's part in the product: 1 when it does not count, its score (0..) when it counts fully. */
function part(factor: number, score: number): number {
  return 1 - factor + factor * score;
}

/**
 * How well a server does, between 0.1 and 5; 1 is one that has told nothing yet. Signals without a sample are left out.
 *
 * Source: requirements 000, section "Weighted Round Robin with Dynamic Adjustment". There latency counts as
 * 1 / (1 + seconds), in which a server that takes 100 ms where others take 10 ms hardly differs from them; here it is
 * measured against the pool's average, as the requests in flight are.
 */
export function performanceScore(
  signals: ServerSignals,
  slot: number,
  averages: PoolAverages,
  factors: PerformanceFactors,
): number {
  let score = 1;
  const latency = signals.latency(slot);
  if (latency > 0) score *= part(factors.responseTime, 2 / (1 + latency / averages.latency));
  const utilisation = signals.utilisation(slot);
  if (utilisation >= 0) score *= part(factors.utilisation, 1 - Math.min(1, utilisation));
  if (averages.inFlight > 0) {
    score *= part(factors.connections, Math.max(0, 2 - signals.inFlight(slot) / averages.inFlight));
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
