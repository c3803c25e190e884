import type { Server, ServerSignals } from "./balancer.ts";

/** Load of a server that has requests in flight and no latency sample yet: after all servers that have one. */
const unknownPenalty = 1e12;

/** Ages below this share of the decay time change the result by less than 1 % and are not worth an exponential. */
const negligible = 0.01;

/**
 * A latency as it counts now: it fades with the time since the last sample, by e^(−age/decay), so that a server which
 * was slow once and got no requests since is tried again instead of being left out for ever.
 *
 * @param latency ms; NaN without a sample, which gives 0
 * @param age ms since the last sample
 * @param decay ms
 */
export function fadedLatency(latency: number, age: number, decay: number): number {
  if (!(latency > 0)) return 0;
  const share = age / decay;
  return share > negligible ? latency * Math.exp(-share) : latency;
}

/**
 * The latency that one more request should see, given how many are in flight now: the average was measured with
 * rate × average requests in flight (Little's law), and with n requests sharing a server's capacity each takes
 * n times as long. An average of the last seconds alone rises too late: until it does, everybody runs to the same server.
 *
 * @param average ms
 * @param rate requests per second that the server answered while it was measured
 */
export function expectedLatency(average: number, rate: number, inFlight: number): number {
  return (average * (inFlight + 1)) / (1 + (rate / 1000) * average);
}

/**
 * Share of the server's answers that are good, at least a thousandth. A latency divided by it is the time until an
 * answer is good; without it a server that fails everything quickly would attract all requests.
 */
export function successRate(signals: ServerSignals, slot: number): number {
  return Math.max(0.001, 1 - signals.errorRate(slot));
}

/**
 * What one more request on the server costs: latency × (in flight + 1) / weight / share of good answers. A server
 * without a sample costs nothing while it is idle, so it is tried, and very much while its first request is out, so it
 * gets one at a time.
 *
 * Source of the treatment of unknown servers: Finagle, PeakEwma.
 */
export function latencyCost(signals: ServerSignals, server: Server, latency: number): number {
  const inFlight = signals.inFlight(server.slot);
  if (latency > 0) return (latency * (inFlight + 1)) / (server.weight * successRate(signals, server.slot));
  return inFlight === 0 ? 0 : unknownPenalty + inFlight / server.weight;
}

/**
 * The next value of a peak-sensitive average: a higher sample is taken at once, a lower one by
 * average·w + sample·(1 − w) with w = e^(−elapsed/decay).
 *
 * @param average the value so far in ms; NaN when there is none
 * @param elapsed ms since the sample before
 * @param sample ms
 * @param decay ms; 10,000 where nothing else is configured
 *
 * Source: Finagle, PeakEwma (Metric.observe).
 */
export function nextPeakAverage(average: number, elapsed: number, sample: number, decay: number): number {
  if (!(average > sample)) return sample;
  const share = Math.exp(-Math.max(0, elapsed) / decay);
  return average * share + sample * (1 - share);
}
