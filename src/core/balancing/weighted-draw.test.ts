import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import { makeServers } from "./pool.fixture.ts";
import { WeightedDraw } from "./weighted-draw.ts";

const anybody = { hashKey: 0, isExcluded: () => false };

describe("WeightedDraw", () => {
  it.each([[[1, 1, 1]], [[6, 3, 1]]])("draws in proportion to the weights %j", (weights) => {
    const draw = new WeightedDraw(seededRandom(1));
    draw.set(makeServers(weights), Float64Array.from(weights));
    const total = weights.reduce((sum, weight) => sum + weight);
    const counts = weights.map(() => 0);
    for (let i = 0; i < 10_000; i++) counts[draw.next(anybody)!.slot]!++;
    weights.forEach((weight, slot) => expect(Math.abs(counts[slot]! - (10_000 * weight) / total)).toBeLessThan(200));
  });

  it("finds the only server that is not excluded, however unlikely, and says when there is none", () => {
    const draw = new WeightedDraw(seededRandom(1));
    const weights = new Float64Array(100).fill(1000).with(99, 1);
    const servers = makeServers([...weights]);
    draw.set(servers, weights);
    for (let i = 0; i < 20; i++)
      expect(draw.next({ hashKey: 0, isExcluded: ({ slot }) => slot !== 99 })).toBe(servers[99]);
    expect(draw.next({ hashKey: 0, isExcluded: () => true })).toBeUndefined();
    draw.set([], new Float64Array(0));
    expect(draw.next(anybody)).toBeUndefined();
  });

  it("draws another one than the first, if there is one", () => {
    const draw = new WeightedDraw(seededRandom(1));
    const [first, second] = makeServers([1, 1]);
    draw.set([first!, second!], Float64Array.of(1, 1));
    for (let i = 0; i < 20; i++) expect([undefined, second]).toContain(draw.another(anybody, first!));
    expect(draw.another({ hashKey: 0, isExcluded: (server) => server === second }, first!)).toBeUndefined();
    draw.set([first!], Float64Array.of(1));
    expect(draw.another(anybody, first!)).toBeUndefined();
  });
});
