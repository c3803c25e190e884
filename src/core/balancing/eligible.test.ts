import { describe, expect, it } from "vitest";
import { eligibleServers, firstNotExcluded, startingOffset } from "./eligible.ts";
import { makeServers, setOf } from "./pool.fixture.ts";

const without = (...slots: number[]) => ({ isExcluded: ({ slot }: { slot: number }) => slots.includes(slot) });

describe("eligible servers", () => {
  it("are the ready ones with a weight, as the list itself when that is all of them", () => {
    const set = setOf(makeServers([1, 2]));
    expect(eligibleServers(set)).toBe(set.ready);
    const some = setOf(makeServers([1, 0, 2]), ({ slot }) => slot === 0);
    expect(eligibleServers(some).map(({ slot }) => slot)).toEqual([2]);
    expect(eligibleServers(setOf(makeServers([0])))).toEqual([]);
  });

  it("are started with at places that are spread over the workers", () => {
    expect([0, 1, 2, 3].map((worker) => startingOffset(10, worker, 4))).toEqual([0, 2, 5, 7]);
    expect([startingOffset(0, 3, 4), startingOffset(5, 0, 0)]).toEqual([0, 0]);
  });

  it("are searched from any place, once round", () => {
    const servers = makeServers([1, 1, 1]);
    expect(firstNotExcluded(servers, 2, without(2))!.slot).toBe(0);
    expect(firstNotExcluded(servers, 1, without(0, 2))!.slot).toBe(1);
    expect(firstNotExcluded(servers, 1, without(0, 1, 2))).toBeUndefined();
  });
});
