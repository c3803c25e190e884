import { describe, expect, it } from "vitest";
import { dynamicWeightedRoundRobin } from "./dynamic-weighted-round-robin.ts";
import { nextWeight, performanceScore } from "./performance-score.ts";
import { Bench, FakeSignals, makeServers, setOf } from "./pool.fixture.ts";

const factors = { responseTime: 0.4, utilisation: 0.3, connections: 0.2, errors: 0.1 };

/** How many requests the first of two servers gets per request of the second. */
function share(bench: Bench): number {
  const [first, second] = bench.counts(10_000, 2) as [number, number];
  return first / second;
}

describe("performanceScore", () => {
  it("is 1 for a server that has told nothing", () => {
    expect(performanceScore(new FakeSignals(), 0, { inFlight: 0, latency: 0 }, factors)).toBe(1);
  });

  it("multiplies the parts of latency, utilisation, connections and errors", () => {
    const signals = new FakeSignals();
    const idle = { inFlight: 0, latency: 20 };
    signals.set("latency", 0, 20);
    expect(performanceScore(signals, 0, idle, factors)).toBeCloseTo(1);
    signals.set("latency", 0, 60);
    expect(performanceScore(signals, 0, idle, factors)).toBeCloseTo(0.8);
    signals.set("utilisation", 0, 0.5);
    expect(performanceScore(signals, 0, idle, factors)).toBeCloseTo(0.8 * 0.85);
    signals.set("inFlight", 0, 30);
    const busy = { inFlight: 20, latency: 20 };
    expect(performanceScore(signals, 0, busy, factors)).toBeCloseTo(0.8 * 0.85 * 0.9);
    signals.set("errorRate", 0, 1);
    expect(performanceScore(signals, 0, busy, factors)).toBeCloseTo(0.8 * 0.85 * 0.9 * 0.9);
  });

  it("is never below 0.1", () => {
    const signals = new FakeSignals();
    signals.set("latency", 0, 1e9);
    const all = { responseTime: 1, utilisation: 1, connections: 1, errors: 1 };
    expect(performanceScore(signals, 0, { inFlight: 0, latency: 1 }, all)).toBe(0.1);
  });
});

describe("nextWeight", () => {
  it("moves by a fifth of the distance, but by at most a tenth of the weight", () => {
    expect(nextWeight(100, 120, 0.8, 0.1)).toBeCloseTo(104);
    expect(nextWeight(100, 10, 0.8, 0.1)).toBeCloseTo(90);
    expect(nextWeight(100, 1000, 0.8, 0.1)).toBeCloseTo(110);
  });
});

describe("dynamic_weighted_round_robin", () => {
  it("keeps the weights for 30 s and then changes them by at most 10 %", () => {
    const bench = new Bench(dynamicWeightedRoundRobin);
    bench.balancer.update(setOf(makeServers([1, 1])));
    bench.signals.set("latency", 0, 9000);
    bench.signals.set("utilisation", 0, 1);
    bench.clock.time += 29_999;
    expect(share(bench)).toBeCloseTo(1, 2);
    bench.clock.time += 1;
    expect(share(bench)).toBeCloseTo(0.9, 1);
    expect(share(bench)).toBeCloseTo(0.9, 1);
  });

  it("approaches the score of each server and comes back when it recovers", () => {
    const bench = new Bench(dynamicWeightedRoundRobin);
    bench.balancer.update(setOf(makeServers([1, 1])));
    bench.signals.set("latency", 0, 30);
    bench.signals.set("latency", 1, 10);
    bench.signals.set("utilisation", 0, 0.5);
    for (let step = 0; step < 60; step++) {
      bench.clock.time += 30_000;
      bench.choose();
    }
    // Latencies of 1.5 and 0.5 times the average; half utilised.
    expect(share(bench)).toBeCloseTo(((0.6 + 0.4 * 0.8) * 0.85) / (0.6 + (0.4 * 4) / 3), 2);
    bench.signals.set("latency", 0, 10);
    bench.signals.set("utilisation", 0, NaN);
    for (let step = 0; step < 60; step++) {
      bench.clock.time += 30_000;
      bench.choose();
    }
    expect(share(bench)).toBeCloseTo(1, 2);
  });

  it("starts from the configured weights and keeps what it learned over updates", () => {
    const bench = new Bench(dynamicWeightedRoundRobin);
    bench.balancer.update(setOf(makeServers([3, 1])));
    expect(share(bench)).toBeCloseTo(3, 1);
    bench.signals.set("utilisation", 0, 1);
    bench.clock.time += 30_000;
    bench.choose();
    bench.balancer.update(setOf(makeServers([3, 1])));
    // One step of a fifth of the way from 3 to 3 × 0.7.
    expect(share(bench)).toBeCloseTo(3 * 0.94, 1);
  });
});
