import { describe, expect, it } from "vitest";
import type { Server } from "./balancer.ts";
import { expectedLatency, fadedLatency, latencyCost, nextPeakAverage, successRate } from "./latency-cost.ts";
import { leastResponseTime } from "./least-response-time.ts";
import { peakEwma } from "./peak-ewma.ts";
import { Bench, FakeSignals, makeServers, setOf } from "./pool.fixture.ts";

describe("fadedLatency", () => {
  it("fades to 1/e within the decay time", () => {
    expect(fadedLatency(100, 0, 10_000)).toBe(100);
    expect(fadedLatency(100, 10_000, 10_000)).toBeCloseTo(100 / Math.E, 6);
    expect(fadedLatency(100, 50, 10_000)).toBeCloseTo(100, -0.5);
  });

  it("is 0 without a sample", () => {
    expect(fadedLatency(NaN, NaN, 10_000)).toBe(0);
  });
});

describe("nextPeakAverage", () => {
  it("takes a higher sample at once and approaches a lower one with time", () => {
    expect(nextPeakAverage(NaN, 0, 20, 10_000)).toBe(20);
    expect(nextPeakAverage(10, 0, 500, 10_000)).toBe(500);
    expect(nextPeakAverage(500, 10_000, 100, 10_000)).toBeCloseTo(500 / Math.E + 100 * (1 - 1 / Math.E), 6);
    expect(nextPeakAverage(500, 0, 100, 10_000)).toBe(500);
  });
});

describe("latencyCost", () => {
  it("multiplies latency by the requests in flight and divides by the weight", () => {
    const signals = new FakeSignals();
    signals.set("inFlight", 0, 3);
    const [server] = makeServers([2]) as [Server];
    expect(latencyCost(signals, server, 10)).toBe(20);
  });

  it("makes an idle server without samples the cheapest and a busy one the dearest", () => {
    const signals = new FakeSignals();
    const [server] = makeServers([1]) as [Server];
    expect(latencyCost(signals, server, 0)).toBe(0);
    signals.set("inFlight", 0, 1);
    expect(latencyCost(signals, server, 0)).toBeGreaterThan(1e9);
  });
});

describe("successRate", () => {
  it("makes a server dearer by what it fails, up to a thousand times", () => {
    const signals = new FakeSignals();
    const [server] = makeServers([1]) as [Server];
    signals.set("errorRate", 0, 0.75);
    expect(latencyCost(signals, server, 10)).toBe(40);
    signals.set("errorRate", 0, 1);
    expect(successRate(signals, 0)).toBe(0.001);
  });
});

describe("expectedLatency", () => {
  it("is the average when as many are in flight as were, and grows with those that are more", () => {
    // 50 a second at 40 ms each are 2 in flight.
    expect(expectedLatency(40, 50, 2)).toBeCloseTo(40, 9);
    expect(expectedLatency(40, 50, 8)).toBeCloseTo(120, 9);
    expect(expectedLatency(40, 0, 0)).toBe(40);
    expect(expectedLatency(0, 50, 3)).toBe(0);
  });
});

/** Sends requests one after the other in virtual time to servers of fixed latencies, and counts them. */
function simulate(bench: Bench, latencies: number[], requests: number, interval: number): number[] {
  const counts = latencies.map(() => 0);
  for (let request = 0; request < requests; request++) {
    const { slot } = bench.choose() as Server;
    counts[slot] = (counts[slot] as number) + 1;
    bench.clock.time += interval;
    for (const name of ["latency", "peakLatency"] as const) bench.signals.set(name, slot, latencies[slot] as number);
    bench.signals.set("latencyAt", slot, bench.clock.time);
  }
  return counts;
}

describe("least_response_time", () => {
  it.each([3, 90])("takes the lowest latency × (in flight + 1) / weight of %i", (size) => {
    const bench = new Bench(leastResponseTime);
    for (let slot = 0; slot < size; slot++) {
      bench.signals.set("latency", slot, 50);
      bench.signals.set("latencyAt", slot, 1000);
    }
    bench.signals.set("latency", 0, 10);
    bench.signals.set("latency", 1, 12);
    bench.balancer.update(setOf(makeServers(Array.from({ length: size }, (_, slot) => (slot === 2 ? 3 : 1)))));
    expect(bench.choose()?.slot).toBe(0);
    bench.signals.set("inFlight", 0, 1);
    expect(bench.choose()?.slot).toBe(1);
    bench.signals.set("inFlight", 1, 1);
    expect(bench.choose()?.slot).toBe(2);
  });

  it("tries a server without samples with one request at a time", () => {
    const bench = new Bench(leastResponseTime);
    for (const slot of [0, 1]) {
      bench.signals.set("latency", slot, 10);
      bench.signals.set("latencyAt", slot, 1000);
    }
    bench.balancer.update(setOf(makeServers([1, 1, 1])));
    expect(bench.choose()?.slot).toBe(2);
    bench.signals.set("inFlight", 2, 1);
    for (let request = 0; request < 10; request++) expect(bench.choose()?.slot).not.toBe(2);
  });

  it("tries a server again that was slow, and gives it its share when it has become fast", () => {
    const bench = new Bench(leastResponseTime);
    bench.balancer.update(setOf(makeServers([1, 1])));
    // 60 s of requests with one server 100 times as slow: it is asked now and then, but seldom.
    const slow = simulate(bench, [10, 1000], 6000, 10);
    expect(slow[1]).toBeGreaterThanOrEqual(2);
    expect(slow[1]).toBeLessThan(60);
    const fast = simulate(bench, [10, 9], 6000, 10);
    expect(fast[1]).toBeGreaterThan(500);
  });
});

describe("peak_ewma", () => {
  it("prefers the server with the lower faded peak latency", () => {
    const bench = new Bench(peakEwma);
    bench.balancer.update(setOf(makeServers([1, 1])));
    [10, 300].forEach((latency, slot) => {
      bench.signals.set("peakLatency", slot, latency);
      bench.signals.set("latencyAt", slot, 1000);
    });
    const counts = bench.counts(200, 2);
    expect(counts[0]).toBe(200);
    // 40 s later, the slow one has faded below the other, which kept being measured.
    bench.clock.time = 41_000;
    bench.signals.set("latencyAt", 0, 41_000);
    expect(bench.counts(200, 2)[1]).toBe(200);
  });

  it("counts the requests in flight", () => {
    const bench = new Bench(peakEwma);
    bench.balancer.update(setOf(makeServers([1, 1])));
    for (const slot of [0, 1]) {
      bench.signals.set("peakLatency", slot, 10);
      bench.signals.set("latencyAt", slot, 1000);
    }
    bench.signals.set("inFlight", 0, 5);
    expect(bench.counts(100, 2)).toEqual([0, 100]);
  });
});
