import { beforeAll, describe, expect, it } from "vitest";
import { findAlgorithm } from "../../src/core/balancing/registry.ts";
import type { BalancingAlgorithm } from "../../src/core/balancing/balancer.ts";
import { LatencyRecord } from "./latency-record.ts";
import { runRecovery } from "./recovery.ts";
import { runRetryStorm } from "./retry-storm.ts";
import { tailSetups } from "./setups.ts";
import { Simulation } from "./simulation.ts";
import { runSlowServer } from "./slow-server.ts";
import { runTail, type TailFigures } from "./tail.ts";

const algorithm = (name: string) => findAlgorithm(name) as BalancingAlgorithm;

function p99(name: string, load: number): number {
  return tail("one-node-weighted", name, load, 1.5).p99;
}

function tail(setup: string, name: string, load: number, minutes: number): TailFigures {
  return runTail(
    tailSetups.find((entry) => entry.name === setup)!,
    algorithm(name),
    load,
    minutes,
    [1],
  );
}

describe("the model", () => {
  // M/G/1 with processor sharing: E[T] = E[S] / (1 − ρ), whatever the distribution of S (Kleinrock).
  it.each([
    [0.5, 0.5],
    [0.8, 0.5],
    [0.8, 1.5],
  ])("has the mean latency of the theory at load %d, sigma %d", (load, sigma) => {
    const latencies = new LatencyRecord();
    const simulation = new Simulation(
      {
        algorithm: algorithm("random"),
        servers: [{ cores: 1, speed: 1, weight: 1, places: 1e6 }],
        nodes: 1,
        workers: 1,
        requestsPerSecond: load * 100,
        work: 10,
        sigma,
        clients: 1,
        seed: 3,
      },
      { onEnd: (_server, latency) => latencies.add(latency) },
    );
    simulation.run(3_600_000);
    expect(latencies.mean / (10 / (1 - load))).toBeGreaterThan(0.9);
    expect(latencies.mean / (10 / (1 - load))).toBeLessThan(1.1);
  });

  it("gives equal figures for equal options", () => {
    const [first, second] = [1, 2].map(() => tail("one-node-weighted", "prequal", 0.7, 0.2));
    expect(first).toEqual(second);
  });

  it("ends every request once", () => {
    let ends = 0;
    let tries = 0;
    const simulation = new Simulation(
      {
        algorithm: algorithm("least_connections"),
        servers: [1, 2].map((speed) => ({ cores: 1, speed, weight: 1, places: 20 })),
        nodes: 2,
        workers: 2,
        requestsPerSecond: 200,
        work: 10,
        sigma: 1,
        clients: 10,
        seed: 1,
      },
      { onTry: () => void tries++, onEnd: () => void ends++ },
    );
    simulation.run(10_000);
    simulation.kill(0);
    simulation.run(20_000);
    const inFlight = simulation.servers.reduce((sum, server) => sum + server.inFlight, 0);
    expect(tries).toBeGreaterThan(3000);
    expect(ends + inFlight).toBe(tries);
  });
});

describe("one node whose workers see all requests", () => {
  it("answers in time with every algorithm that looks at the load, not with those that do not", () => {
    const blind = [p99("weighted_round_robin", 0.85), p99("weighted_random", 0.85)];
    for (const name of [
      "weighted_least_connections",
      "power_of_two_choices",
      "least_response_time",
      "peak_ewma",
      "prequal",
    ]) {
      expect(p99(name, 0.85) * 2.5, name).toBeLessThan(Math.min(...blind));
    }
  });

  it("is best off with prequal or least_response_time at 70 %", () => {
    const best = Math.min(p99("prequal", 0.7), p99("least_response_time", 0.7));
    for (const name of ["weighted_round_robin", "power_of_two_choices", "peak_ewma", "least_connections"]) {
      expect(best, name).toBeLessThan(0.98 * p99(name, 0.7));
    }
  });
});

describe("twenty nodes that know only of their own requests, at 95 %", () => {
  const names = [
    "weighted_round_robin",
    "weighted_least_connections",
    "least_response_time",
    "peak_ewma",
    "power_of_two_choices",
  ];
  const figures = new Map<string, TailFigures>();
  beforeAll(() => {
    for (const name of [...names, "prequal"]) figures.set(name, tail("twenty-nodes-weighted", name, 0.95, 0.5));
  });

  it("have the shortest tail with prequal", () => {
    const prequal = figures.get("prequal")!;
    for (const name of names) {
      expect(prequal.p99, name).toBeLessThan(0.97 * figures.get(name)!.p99);
      expect(prequal.p999, name).toBeLessThan(0.95 * figures.get(name)!.p999);
    }
  });

  it("have a far shorter one with two choices than with rotation", () => {
    expect(figures.get("power_of_two_choices")!.p99 * 4).toBeLessThan(figures.get("weighted_round_robin")!.p99);
  });
});

describe("a server that is ten times slower for two minutes", () => {
  it.each(["least_response_time", "peak_ewma", "prequal", "power_of_two_choices", "least_connections"])(
    "loses its traffic at once and gets it back: %s",
    (name) => {
      const { before, settled, after, away, back } = runSlowServer(algorithm(name), [1]);
      expect(before).toBeGreaterThan(0.15);
      expect(settled).toBeLessThan(0.06);
      expect(settled).toBeGreaterThan(0);
      expect(away).toBeLessThanOrEqual(2);
      expect(back).not.toBeNull();
      expect(back).toBeLessThanOrEqual(30);
      expect(after).toBeGreaterThan(0.14);
    },
  );

  it("loses a part of it step by step and gets it back: dynamic_weighted_round_robin", () => {
    const { during, settled, after } = runSlowServer(algorithm("dynamic_weighted_round_robin"), [1]);
    expect(settled).toBeLessThan(during);
    expect(settled).toBeLessThan(0.17);
    expect(after).toBeGreaterThan(0.18);
  });
});

describe("a server that comes back cold", () => {
  it.each(["weighted_round_robin", "dynamic_weighted_round_robin", "random", "maglev", "rendezvous_hash"])(
    "is not run over with slow start: %s",
    (name) => {
      const without = runRecovery(algorithm(name), false, [1]);
      const slowly = runRecovery(algorithm(name), true, [1]);
      expect(without.peak).toBeGreaterThan(5 * without.usual);
      expect(slowly.peak).toBeLessThan(without.peak / 2);
      expect(slowly.p99).toBeLessThan(1.5 * slowly.usualP99);
    },
  );
});

describe("a retry storm", () => {
  it("is kept to a quarter more load by the budget, and is far more without it", () => {
    const name = algorithm("weighted_round_robin");
    const budget = runRetryStorm(name, "budget", [1]);
    const unlimited = runRetryStorm(name, "unlimited", [1]);
    expect(budget.tries).toBeLessThan(1.21);
    expect(budget.load).toBeLessThan(1.25);
    expect(unlimited.load).toBeGreaterThan(1.6);
    expect(budget.errors).toBeLessThan(runRetryStorm(name, "none", [1]).errors - 0.1);
  });
});
