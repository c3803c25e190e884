import { describe, expect, it } from "vitest";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { resourceBased } from "./resource-based.ts";

/** All three servers answer 100 requests per second, at these utilisations. */
function report(bench: Bench, utilisations: readonly number[]): void {
  utilisations.forEach((utilisation, slot) => {
    bench.signals.set("requestRate", slot, 100);
    bench.signals.set("utilisation", slot, utilisation);
    bench.signals.set("utilisationAt", slot, bench.clock.time);
  });
}

function shares(bench: Bench): number[] {
  const counts = bench.counts(9000, 3);
  return counts.map((count) => Math.round(count / 90) / 100);
}

describe("resource_based", () => {
  it("uses the configured weights until reports have come for 10 s", () => {
    const bench = new Bench(resourceBased);
    bench.balancer.update(setOf(makeServers([1, 1, 2])));
    expect(shares(bench)).toEqual([0.25, 0.25, 0.5]);
    report(bench, [0.2, 0.4, 0.4]);
    bench.clock.time += 1000;
    expect(shares(bench)).toEqual([0.25, 0.25, 0.5]);
    bench.clock.time += 9999;
    expect(shares(bench)).toEqual([0.25, 0.25, 0.5]);
    bench.clock.time += 1000;
    expect(shares(bench)).toEqual([0.5, 0.25, 0.25]);
  });

  it("adds the penalty of failed requests to the utilisation", () => {
    const bench = new Bench(resourceBased);
    report(bench, [0.25, 0.25, 0.5]);
    bench.signals.set("errorRate", 1, 0.25);
    bench.balancer.update(setOf(makeServers([1, 1, 1])));
    bench.clock.time += 11_000;
    expect(shares(bench)).toEqual([0.5, 0.25, 0.25]);
  });

  it("gives a server whose reports ended the mean of the others after 3 min", () => {
    const bench = new Bench(resourceBased);
    report(bench, [0.2, 0.4, 0.8]);
    bench.balancer.update(setOf(makeServers([1, 1, 1])));
    bench.clock.time += 179_000;
    report(bench, [0.2, 0.4]);
    expect(shares(bench)).toEqual([0.57, 0.29, 0.14]);
    bench.clock.time += 1000;
    expect(shares(bench)).toEqual([0.44, 0.22, 0.33]);
  });

  it("waits another 10 s after a server became ready again", () => {
    const bench = new Bench(resourceBased);
    report(bench, [0.2, 0.4, 0.4]);
    bench.balancer.update(setOf(makeServers([1, 1, 1])));
    bench.clock.time += 20_000;
    expect(shares(bench)).toEqual([0.5, 0.25, 0.25]);
    bench.signals.set("readySince", 0, bench.clock.time);
    bench.clock.time += 1000;
    expect(shares(bench)).toEqual([0.33, 0.33, 0.33]);
    bench.clock.time += 10_000;
    expect(shares(bench)).toEqual([0.5, 0.25, 0.25]);
  });
});
