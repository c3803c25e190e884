import { describe, expect, it } from "vitest";
import { checkContract } from "./balancer.contract.ts";
import type { BalancingAlgorithm, Server } from "./balancer.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { algorithms, findAlgorithm } from "./registry.ts";

for (const algorithm of algorithms) checkContract(algorithm);

const named = (names: string[]) => names.map((name) => findAlgorithm(name) as BalancingAlgorithm);

describe("shares", () => {
  const weights = [1, 2, 3, 4, 0, 10];
  const sum = weights.reduce((sum, weight) => sum + weight, 0);

  it.each([
    {
      names: ["weighted_round_robin", "weighted_least_connections", "dynamic_weighted_round_robin", "resource_based"],
      tolerance: 0.01,
    },
    { names: ["weighted_random", "power_of_two_choices", "peak_ewma", "maglev"], tolerance: 0.1 },
    { names: ["ip_hash", "rendezvous_hash"], tolerance: 0.08 },
    { names: ["consistent_hash"], tolerance: 0.3 },
  ])("follow the weights within $tolerance with $names", ({ names, tolerance }) => {
    for (const algorithm of named(names)) {
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(makeServers(weights)));
      const total = 20_000;
      bench.counts(total, weights.length).forEach((count, slot) => {
        const wanted = (total * (weights[slot] as number)) / sum;
        expect(Math.abs(count - wanted), `${algorithm.name} s${slot}: ${count} of ${wanted}`).toBeLessThanOrEqual(
          wanted * tolerance + 1,
        );
      });
    }
  });

  it("are spread over a big pool as well", () => {
    const big = Array.from({ length: 300 }, (_, index) => 1 + (index % 4));
    const total = 300_000;
    for (const [name, tolerance] of [
      ["weighted_round_robin", 0.02],
      ["weighted_least_connections", 0.02],
      ["weighted_random", 0.25],
      ["maglev", 0.25],
      ["rendezvous_hash", 0.5],
      ["consistent_hash", 0.5],
    ] as const) {
      const bench = new Bench(findAlgorithm(name) as BalancingAlgorithm);
      bench.balancer.update(setOf(makeServers(big)));
      bench.counts(total, big.length).forEach((count, slot) => {
        const wanted = (total * (big[slot] as number)) / 750;
        expect(Math.abs(count - wanted), `${name} s${slot}: ${count} of ${wanted}`).toBeLessThan(wanted * tolerance);
      });
    }
  });

  it("are equal whatever the weights with round_robin, least_connections and random", () => {
    for (const algorithm of named(["round_robin", "least_connections", "random"])) {
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(makeServers([1, 7, 0.1])));
      for (const count of bench.counts(9000, 3)) expect(Math.abs(count - 3000)).toBeLessThan(200);
    }
  });
});

describe("rotation", () => {
  it("begins elsewhere on each worker", () => {
    for (const algorithm of named([
      "round_robin",
      "weighted_round_robin",
      "dynamic_weighted_round_robin",
      "least_connections",
      "weighted_least_connections",
      "least_response_time",
      "resource_based",
    ])) {
      for (const size of [4, 100]) {
        const servers = makeServers(Array.from({ length: size }, () => 1));
        const first = [0, 1, 2, 3].map((worker) => {
          const bench = new Bench(algorithm, { worker, workers: 4 });
          bench.balancer.update(setOf(servers));
          return bench.choose()?.slot;
        });
        expect(new Set(first).size, `${algorithm.name}: ${first.join(" ")}`).toBe(4);
      }
    }
  });

  it("goes on through the ties instead of returning to the first", () => {
    for (const algorithm of named(["least_connections", "weighted_least_connections", "least_response_time"])) {
      for (const size of [5, 100]) {
        const bench = new Bench(algorithm);
        bench.balancer.update(setOf(makeServers(Array.from({ length: size }, () => 1))));
        expect(bench.counts(size * 3, size)).toEqual(Array.from({ length: size }, () => 3));
      }
    }
  });
});

describe("updates", () => {
  it("favour nobody, however often they come (as in slow start)", () => {
    const load = named([
      "round_robin",
      "weighted_round_robin",
      "dynamic_weighted_round_robin",
      "least_connections",
      "weighted_least_connections",
      "least_response_time",
      "resource_based",
    ]);
    for (const algorithm of load) {
      for (const size of [5, 100]) {
        const servers = makeServers(Array.from({ length: size }, () => 1));
        const bench = new Bench(algorithm, { worker: 1, workers: 2 });
        const counts = servers.map(() => 0);
        for (let request = 0; request < size * 6; request++) {
          bench.balancer.update(setOf([...servers]));
          const { slot } = bench.choose() as Server;
          counts[slot] = (counts[slot] as number) + 1;
        }
        for (const count of counts) expect(Math.abs(count - 6), algorithm.name).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe("registry", () => {
  it("has unique names and aliases", () => {
    const names = algorithms.flatMap((algorithm) => [algorithm.name, ...(algorithm.aliases ?? [])]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z_]*$/);
  });

  it("resolves names and aliases", () => {
    expect(findAlgorithm("weighted")?.name).toBe("weighted_random");
    expect(findAlgorithm("maglev")?.name).toBe("maglev");
    expect(findAlgorithm("best")).toBeUndefined();
  });
});
