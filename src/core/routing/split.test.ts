import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { compileSplit } from "./split.ts";

const entries = (weights: number[]) => weights.map((weight, index) => ({ pool: `p${index}`, weight }));

describe("weighted split", () => {
  it("gives each entry exactly its share in every round", () => {
    const weights = fc
      .array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 8 })
      .filter((list) => list.some((weight) => weight > 0));
    fc.assert(
      fc.property(weights, fc.integer(), (list, seed) => {
        const split = compileSplit(entries(list));
        const random = seededRandom(seed);
        const total = list.reduce((sum, weight) => sum + weight, 0);
        const counts = list.map(() => 0);
        for (let round = 1; round <= 3; round++) {
          for (let draw = 0; draw < total; draw++) counts[split.choose(random)]++;
          expect(counts).toEqual(list.map((weight) => weight * round));
        }
      }),
    );
  });

  it("is exact in the shortest round that the weights allow", () => {
    const split = compileSplit(entries([900_000, 100_000]));
    const random = seededRandom(1);
    for (let round = 0; round < 100; round++) {
      const draws = Array.from({ length: 10 }, () => split.choose(random));
      expect(draws.filter((entry) => entry === 1)).toHaveLength(1);
    }
  });

  it("does not repeat one order", () => {
    const split = compileSplit(entries([1, 1]));
    const random = seededRandom(1);
    const firsts = new Set(Array.from({ length: 50 }, () => [split.choose(random), split.choose(random)].join()));
    expect(firsts).toEqual(new Set(["0,1", "1,0"]));
  });

  it("takes the ends of the range of chance", () => {
    const split = compileSplit(entries([0, 1, 2, 0]));
    for (let draw = 0; draw < 30; draw++)
      expect([1, 2]).toContain(split.choose(() => (draw % 2 === 0 ? 0 : 1 - 2 ** -53)));
  });

  it.each([[[]], [[0, 0]], [[-1, 2]], [[0.5]]])("refuses %j", (weights: number[]) => {
    expect(() => compileSplit(entries(weights))).toThrow("split");
  });
});
