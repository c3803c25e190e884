import { describe, expect, it } from "vitest";
import { seededRandom } from "../../core/random.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { simulate, type TrafficModel } from "./false-positives.fixture.ts";

const HOUR = 3_600_000;
const base: TrafficModel = {
  servers: 3,
  requestsPerSecond: 100,
  errorShare: 0,
  loss: 0,
  newConnections: 0,
  connectTimeout: 5000,
  latency: 10,
  longPolls: 0,
  duration: HOUR,
  freezeAt: Infinity,
};
const lossy = { ...base, loss: 0.01, newConnections: 0.1 };

describe("an hour with default settings", () => {
  it.each<[string, Partial<TrafficModel>]>([
    ["1 % of the answers a 500", { ...base, requestsPerSecond: 300, errorShare: 0.01 }],
    ["1 % of the packets lost each way", lossy],
    ["1 % lost and a connection for each request", { ...lossy, newConnections: 1 }],
    ["1 % lost and a connectTimeout of 100 ms", { ...lossy, newConnections: 1, connectTimeout: 100 }],
    ["1 % lost and few requests", { ...lossy, requestsPerSecond: 6, newConnections: 1 }],
    ["1 % lost and 2 % long polls among few requests", { ...lossy, requestsPerSecond: 12, longPolls: 0.02 }],
    ["1 % lost and nothing but long polls", { ...lossy, requestsPerSecond: 2, longPolls: 1 }],
    ["slow answers", { ...lossy, requestsPerSecond: 20, latency: 2000 }],
  ])("and %s takes no server out", (_, model) => {
    const result = simulate({ ...base, ...model }, seededRandom(11));
    expect(result.changedAt).toBeNaN();
    expect(result.requests).toBeGreaterThan(7000);
    if (model.errorShare !== undefined && model.errorShare > 0) expect(result.errors).toBeGreaterThan(10_000);
    if (model.connectTimeout === 100) expect(result.connectTimeouts).toBeGreaterThan(5000);
  });
});

describe("the same with a server that freezes", () => {
  it.each<[string, number, Partial<TrafficModel>]>([
    ["under load", 1000, { ...lossy }],
    ["under heavy load", 700, { ...lossy, requestsPerSecond: 1000 }],
    ["with few requests", 4000, { ...lossy, requestsPerSecond: 12 }],
  ])("takes it out %s within %d ms", (_, within, model) => {
    const result = simulate({ ...base, ...model, freezeAt: 600_000, duration: 700_000 }, seededRandom(12));
    expect(result.flags).toBe(HealthFlag.ejected);
    expect(result.changedAt).toBeGreaterThan(600_000);
    expect(result.changedAt).toBeLessThanOrEqual(600_000 + within);
  });
});
