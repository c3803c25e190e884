import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Server } from "./balancer.ts";
import { DeadlineRotation } from "./deadline-rotation.ts";
import { makeServers } from "./pool.fixture.ts";
import { SmoothRotation } from "./smooth-rotation.ts";
import { smoothLimit, WeightedRotation } from "./weighted-rotation.ts";

const anybody = { hashKey: 0, isExcluded: () => false };
const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });

interface Rotation {
  set(servers: readonly Server[], weights: Float64Array): void;
  next(context: typeof anybody | { hashKey: number; isExcluded(server: Server): boolean }): Server | undefined;
}

function counts(rotation: Rotation, turns: number, size: number, context = anybody): number[] {
  const result = Array.from({ length: size }, () => 0);
  for (let turn = 0; turn < turns; turn++) result[rotation.next(context)!.slot]!++;
  return result;
}

describe.each([
  ["SmoothRotation", (phase: number): Rotation => new SmoothRotation(phase), 0],
  ["DeadlineRotation", (phase: number): Rotation => new DeadlineRotation(phase), 1],
  ["WeightedRotation", (phase: number): Rotation => new WeightedRotation(phase), 0],
])("%s", (_, make, tolerance) => {
  it("gives each server its weight's share of every cycle", () => {
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 0.99, noNaN: true }), (list, phase) => {
        const rotation = make(phase);
        rotation.set(makeServers(list), Float64Array.from(list));
        const cycle = list.reduce((sum, weight) => sum + weight);
        for (let round = 0; round < 3; round++)
          counts(rotation, cycle, list.length).forEach((count, slot) =>
            expect(Math.abs(count - list[slot]!)).toBeLessThanOrEqual(tolerance),
          );
      }),
    );
  });

  it("goes past excluded servers, and ends when there is none left", () => {
    const rotation = make(0);
    rotation.set(makeServers([1, 1, 1]), Float64Array.of(1, 1, 1));
    const context = { hashKey: 0, isExcluded: ({ slot }: Server) => slot === 1 };
    expect(counts(rotation, 20, 3, context as unknown as typeof anybody)[1]).toBe(0);
    expect(rotation.next({ hashKey: 0, isExcluded: () => true })).toBeUndefined();
    const empty = make(0);
    empty.set([], new Float64Array(0));
    expect(empty.next(anybody)).toBeUndefined();
  });

  it("follows changed weights", () => {
    const rotation = make(0);
    const servers = makeServers([1, 1]);
    rotation.set(servers, Float64Array.of(1, 1));
    counts(rotation, 3, 2);
    rotation.set(servers, Float64Array.of(3, 1));
    const [heavy] = counts(rotation, 400, 2);
    expect(Math.abs(heavy! - 300)).toBeLessThanOrEqual(2);
  });
});

it("WeightedRotation keeps its shares on both sides of the limit between its two rules", () => {
  for (const size of [smoothLimit, smoothLimit + 1]) {
    const rotation = new WeightedRotation(0);
    rotation.set(makeServers(Array.from({ length: size }, () => 1)), new Float64Array(size).fill(1));
    expect(new Set(counts(rotation, size * 4, size))).toEqual(new Set([4]));
  }
});
