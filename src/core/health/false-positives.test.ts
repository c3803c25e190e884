import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { checkForAnHour, LossyNetwork, traffic, type SimulatedServer } from "./lossy-network.fixture.ts";
import {
  latencyLimit,
  latencyOutliers,
  successOutliers,
  type LatencySample,
  type OutlierRules,
} from "./outlier-statistics.ts";

const LOSS = 0.01;
const SERVERS = 100;
const HOUR = 3_600_000;

const rules: OutlierRules = {
  successRateDeviation: 1.9,
  successRateServers: 5,
  successRateRequests: 100,
  failurePercentage: 0,
  failurePercentageRequests: 50,
  latencyFactor: 5,
  latencyDifference: 20,
  latencyRequests: 10,
};

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

  it("has no false positive of comparing latencies, over an interval and over ten", () => {
    const random = seededRandom(7);
    const network = new LossyNetwork(LOSS, random);
    let found = 0;
    let raised = 0;
    // A tenth of the hour, for the time that it takes; the figures of whole hours are in docs/health.md.
    let window: LatencySample[] = [];
    let limit = Infinity;
    for (let now = 0, turn = 0; now < HOUR / 10; now += 500, turn++) {
      const samples = pool.map((server) => traffic(server, 500, network, random, limit));
      window = turn % 10 === 0 ? samples : window.map((before, i) => joined(before, samples[i]!));
      found += latencyOutliers(samples, rules).length + latencyOutliers(window, rules).length;
      limit = latencyLimit(samples, rules) || Infinity;
      raised += samples.filter(({ answers, total }) => answers >= 10 && total / answers > 30).length;
    }
    expect(found).toBe(0);
    // Without the rule about chance, these would have been ejected.
    expect(raised).toBeGreaterThan(1000);
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
  const pools = [5, 5, 50].map((latency) => ({ rate: 0, latency, errors: 0 }));

  it.each([60, 200])("ten times the latency at %i requests per second and server: in one interval", (rate) => {
    const network = new LossyNetwork(0, random);
    for (let run = 0; run < 100; run++) {
      const samples = pools.map((server) => traffic({ ...server, rate }, 500, network, random, 25));
      expect(latencyOutliers(samples, rules).map(({ index }) => index)).toEqual([2]);
    }
  });

  it("the same with 1 % of all packets lost, which doubles the mean of the good ones: in ten intervals", () => {
    const network = new LossyNetwork(LOSS, random);
    for (let run = 0; run < 30; run++) {
      const found = Array.from({ length: 10 }, () => {
        const samples = pools.map((server) => traffic({ ...server, rate: 200 }, 500, network, random, 25));
        return latencyOutliers(samples, rules).map(({ index }) => index);
      });
      expect(new Set(found.flat())).toEqual(new Set([2]));
    }
  });

  it("half of the answers being errors: in one interval", () => {
    const samples = Array.from({ length: 10 }, (_, i) => ({ requests: 200, errors: i === 3 ? 100 : i % 3 }));
    expect(successOutliers(samples, rules).map(({ index }) => index)).toEqual([3]);
  });
});

function joined(a: LatencySample, b: LatencySample): LatencySample {
  return { answers: a.answers + b.answers, total: a.total + b.total, slow: a.slow + b.slow };
}
