import { describe, expect, it } from "vitest";
import { AliasTable } from "./alias-table.ts";
import type { Server } from "./balancer.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";
import { Bench, makeServers, setOf } from "./pool.fixture.ts";
import { random } from "./random.ts";
import { weightedRandom } from "./weighted-random.ts";

describe("AliasTable", () => {
  it.each([[[1]], [[1, 1, 1]], [[1, 2, 3, 4]], [[1e-9, 1, 1e6]], [[0.1, 0.1, 0.7, 0.1]], [[65_535, 1, 1, 1]]])(
    "splits [0, 1) in proportion to %j",
    (weights) => {
      const table = new AliasTable(weights);
      const steps = 200_000;
      const shares = weights.map(() => 0);
      for (let step = 0; step < steps; step++) {
        const index = table.pick((step + 0.5) / steps);
        shares[index] = (shares[index] as number) + 1 / steps;
      }
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      weights.forEach((weight, index) => expect(shares[index]).toBeCloseTo(weight / total, 4));
    },
  );
});

describe("random and weighted_random", () => {
  it("keep their proportions when one of the servers is excluded", () => {
    for (const [algorithm, weights] of [
      [random, [1, 1, 1]],
      [weightedRandom, [4, 2, 6]],
    ] as const) {
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(makeServers(weights)));
      bench.context.isExcluded = (server) => server.slot === 1;
      const counts = bench.counts(10_000, 3);
      const wanted = (10_000 * (weights[0] as number)) / ((weights[0] as number) + (weights[2] as number));
      expect(counts[1]).toBe(0);
      expect(Math.abs((counts[0] as number) - wanted)).toBeLessThan(250);
    }
  });

  it("choose otherwise with another seed", () => {
    const choices = [1, 2].map((seed) => {
      const bench = new Bench(random, { seed });
      bench.balancer.update(setOf(makeServers(Array.from({ length: 50 }, () => 1))));
      return Array.from({ length: 20 }, () => bench.choose()?.slot);
    });
    expect(choices[0]).not.toEqual(choices[1]);
  });
});

describe("power_of_two_choices", () => {
  it("keeps the most loaded server far closer to the average than random does", () => {
    const most = [powerOfTwoChoices, random].map((algorithm) => {
      const bench = new Bench(algorithm);
      bench.balancer.update(setOf(makeServers(Array.from({ length: 500 }, () => 1))));
      for (let request = 0; request < 5000; request++)
        bench.signals.add("inFlight", (bench.choose() as Server).slot, 1);
      return Math.max(...Array.from({ length: 500 }, (_, slot) => bench.signals.inFlight(slot)));
    });
    expect(most[0]).toBeLessThanOrEqual(13);
    expect(most[1]).toBeGreaterThan(16);
  });

  it("takes the less busy one of two, per unit of weight", () => {
    const bench = new Bench(powerOfTwoChoices);
    bench.balancer.update(setOf(makeServers([1, 4])));
    bench.signals.set("inFlight", 0, 2);
    bench.signals.set("inFlight", 1, 6);
    expect(bench.counts(100, 2)[1]).toBeGreaterThan(95);
  });
});
