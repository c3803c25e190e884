import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { latencyLimit, latencyOutliers, newStanding } from "./latency-comparison.ts";
import { checkForAnHour, LossyNetwork, traffic, type SimulatedServer } from "./lossy-network.fixture.ts";
import { rules } from "./outlier-rules.fixture.ts";
import { successOutliers } from "./outlier-statistics.ts";

const LOSS = 0.01;
const SERVERS = 100;
const HOUR = 3_600_000;

/** Rates from 20 to about 200 requests per second, latencies from 3 to 8 ms. */
const pool: readonly SimulatedServer[] = Array.from({ length: SERVERS }, (_, i) => ({
  rate: 20 * 10 ** (i / SERVERS),
  latency: 3 + (i % 6),
  errors: 0.01,
}));

describe("an hour of virtual time with 1 % of all packets lost", () => {
  it.each([
    ["tcp", false],
    ["http", true],
  ])("has no false positive of %s checks with the default settings", (_name, http) => {
    let failed = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const random = seededRandom(seed);
      const network = new LossyNetwork(LOSS, random);
      for (let server = 0; server < SERVERS; server++) {
        const hour = checkForAnHour(network, http, random);
        expect(hour.falsePositives).toEqual([]);
        expect(hour.checks).toBeGreaterThan(650);
        failed += hour.failed;
      }
    }
    // The loss is really felt: single checks do fail.
    expect(failed).toBeGreaterThan(50);
  });

  it("has no false positive of comparing latencies", () => {
    const random = seededRandom(7);
    const network = new LossyNetwork(LOSS, random);
    const standings = pool.map(newStanding);
    let found = 0;
    let raised = 0;
    let limit = Infinity;
    // A tenth of the hour, for the time that it takes; the figures of whole hours are in docs/health.md.
    for (let now = 0; now < HOUR / 10; now += 250) {
      const samples = pool.map((server) => traffic(server, 250, network, random, limit));
      found += latencyOutliers(standings, samples, rules).length;
      limit = latencyLimit(standings, rules) || Infinity;
      raised += samples.filter(({ answers, total }) => answers >= 5 && total / answers > limit).length;
    }
    expect(found).toBe(0);
    // A comparison of means alone would have taken these for outliers.
    expect(raised).toBeGreaterThan(1000);
  });

  it("has no false positive when servers stand still for 400 ms now and then", () => {
    const random = seededRandom(11);
    const network = new LossyNetwork(0, random);
    const standings = pool.map(newStanding);
    let found = 0;
    for (let now = 0; now < HOUR / 20; now += 250) {
      const samples = pool.map((server) => {
        const { answers, total } = traffic(server, 250, network, random, Infinity);
        if (random() >= 0.02) return { answers, total, slow: 0 };
        // What came within the pause is answered at its end, all of it late.
        const waited = Math.ceil(server.rate * 0.4);
        return { answers: answers + waited, total: total + waited * 200, slow: waited };
      });
      found += latencyOutliers(standings, samples, rules).length;
    }
    expect(found).toBe(0);
  });

  it("has no false positive of comparing success rates, although somebody is always the worst", () => {
    const random = seededRandom(8);
    let found = 0;
    let belowMean = 0;
    for (let now = 0; now < HOUR; now += 10_000) {
      const samples = pool.map(({ rate, errors }) => {
        const requests = Math.round(rate * 10);
        let failures = 0;
        for (let i = 0; i < requests; i++) if (random() < errors) failures++;
        return { requests, errors: failures };
      });
      found += successOutliers(samples, rules).length;
      belowMean += samples.filter(({ requests, errors }) => errors / requests > 0.03).length;
    }
    expect(found).toBe(0);
    expect(belowMean).toBeGreaterThan(20);
  });
});

describe("a server that is really bad is found all the same", () => {
  const random = seededRandom(9);
  const latencies = [5, 5, 50];

  /** After how many intervals of 250 ms the third server is found, beginning with the first in which it is slow. */
  function intervals(rate: number, network: LossyNetwork): number {
    const standings = latencies.map(newStanding);
    const look = (of: (latency: number) => number) => {
      const limit = latencyLimit(standings, rules) || Infinity;
      const samples = latencies.map((latency) => {
        return traffic({ rate, latency: of(latency), errors: 0 }, 250, network, random, limit);
      });
      return latencyOutliers(standings, samples, rules).map(({ index }) => index);
    };
    for (let i = 0; i < 20; i++) expect(look(() => 5)).toEqual([]);
    for (let count = 1; ; count++) {
      const found = look((latency) => latency);
      if (found.length === 0) continue;
      expect(found).toEqual([2]);
      return count;
    }
  }

  it.each([60, 200])("ten times the latency at %i requests per second and server: in a second", (rate) => {
    for (let run = 0; run < 100; run++) expect(intervals(rate, new LossyNetwork(0, random))).toBeLessThanOrEqual(4);
  });

  it("the same with 1 % of all packets lost, which nearly doubles the mean of the good ones: in half a minute", () => {
    const needed = Array.from({ length: 30 }, () => intervals(200, new LossyNetwork(LOSS, random)));
    expect(Math.max(...needed)).toBeLessThan(120);
  });

  it("half of the answers being errors: in one interval", () => {
    const samples = Array.from({ length: 10 }, (_, i) => ({ requests: 200, errors: i === 3 ? 100 : i % 3 }));
    expect(successOutliers(samples, rules).map(({ index }) => index)).toEqual([3]);
  });
});
