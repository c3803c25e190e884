import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { GradientLimit } from "./gradient-limit.ts";
import { LimitedServer } from "./limited-server.fixture.ts";

const config = { initial: 20, minimum: 4, maximum: 1000, tolerance: 1.5 };
const places = 20;
const service = 40;
/** Requests per second that the server can answer; with one in flight per place it does. */
const capacity = (places / service) * 1000;
const minute = 60_000;

function makeServer(seed: number, change: Partial<typeof config> = {}): LimitedServer {
  const limit = new GradientLimit({ ...config, ...change });
  return new LimitedServer({ places, service, limit, random: seededRandom(seed) });
}

/** Windows of 100 ms with 20 samples each of the same latency. */
function feed(limit: GradientLimit, windows: number, rtt: number, inFlight: number, start: number): number {
  for (let window = 0; window < windows; window++) {
    for (let sample = 0; sample < 20; sample++) limit.sample(rtt, inFlight, start + window * 100 + sample * 5);
  }
  return start + windows * 100;
}

describe.each([1, 2])("GradientLimit in front of a server with 20 places, seed %i", (seed) => {
  it("keeps twice the load near the best concurrency for ten minutes, at full throughput", () => {
    const server = makeServer(seed);
    server.run(capacity / 2, minute);
    for (let tenSeconds = 0; tenSeconds < 60; tenSeconds++) {
      const { answered, latency } = server.run(2 * capacity, 10_000);
      expect(answered).toBeGreaterThan(0.95 * capacity * 10);
      expect(latency).toBeLessThan(2.2 * service);
    }
    expect(server.limit.limit).toBeGreaterThanOrEqual(places);
    expect(server.limit.limit).toBeLessThan(2.5 * places);
  });

  it("comes down when the overload is there from the start, at far too high a limit", () => {
    const server = makeServer(seed, { initial: 1000 });
    server.run(2 * capacity, 5 * minute);
    const { answered, latency } = server.run(2 * capacity, minute);
    expect(latency).toBeLessThan(2.5 * service);
    expect(answered).toBeGreaterThan(0.95 * capacity * 60);
  });

  it("refuses nothing at half of the load and does not collapse at little", () => {
    const server = makeServer(seed);
    expect(server.run(capacity / 2, 2 * minute).refused).toBeLessThan(5);
    const before = server.limit.limit;
    server.run(capacity / 40, 2 * minute);
    expect(server.limit.limit).toBe(before);
    expect(server.run(capacity / 2, minute).refused).toBe(0);
  });

  it("rises again after an overload and refuses next to nothing at 90 % of the load", () => {
    const server = makeServer(seed);
    server.run(3 * capacity, 5 * minute);
    server.run(0.9 * capacity, 5000);
    expect(server.run(0.9 * capacity, minute).refused).toBeLessThan(0.005 * 0.9 * capacity * 60);
  });

  it("gives a server that has become five times slower for good all that it can do", () => {
    const server = makeServer(seed);
    server.run(capacity / 2, minute);
    server.service = 5 * service;
    server.run(2 * capacity, 3 * minute);
    expect(server.run(2 * capacity, minute).answered).toBeGreaterThan(0.9 * (capacity / 5) * 60);
  });
});

describe("GradientLimit", () => {
  it("follows the source's formula: up by 0.8 per window at an even latency", () => {
    const limit = new GradientLimit(config);
    // The first window ends with the first sample after it.
    feed(limit, 11, 10, 19, 0);
    expect(limit.limit).toBe(28);
  });

  it("falls to nine tenths and 0.8 more when the latency doubles beyond the tolerance", () => {
    const limit = new GradientLimit({ ...config, initial: 100, tolerance: 1 });
    const now = feed(limit, 1, 10, 20, 0);
    feed(limit, 2, 1000, 99, now);
    // Long-term mean after two windows: 505 ms, gradient 0.505, wanted 54.5.
    expect(limit.limit).toBe(90);
  });

  it("stands still with few requests in flight, whatever the latency", () => {
    const limit = new GradientLimit(config);
    const now = feed(limit, 50, 10, 9, 0);
    feed(limit, 50, 500, 9, now);
    expect(limit.limit).toBe(20);
  });

  it("passes over samples that are none and windows with too few", () => {
    const limit = new GradientLimit(config);
    for (let now = 0; now < 10_000; now++) limit.sample(NaN, 20, now);
    for (let now = 10_000; now < 10_900; now += 100) limit.sample(1, 20, now);
    expect(limit.limit).toBe(20);
  });

  it("stays within its bounds and whole, whatever comes", () => {
    const sample = fc.tuple(fc.double({ min: 0, max: 1e5, noNaN: true }), fc.nat(2000), fc.nat(400));
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 500 }), fc.integer({ min: 1, max: 2000 }), (samples, initial) => {
        const limit = new GradientLimit({ ...config, initial });
        let now = 0;
        for (const [rtt, inFlight, wait] of samples) {
          now += wait;
          limit.sample(rtt, inFlight, now);
          expect(limit.limit).toBeGreaterThanOrEqual(config.minimum);
          expect(limit.limit).toBeLessThanOrEqual(config.maximum);
          expect(Number.isInteger(limit.limit)).toBe(true);
        }
      }),
    );
  });
});
