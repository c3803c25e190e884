import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PoolQueue, type PlaceWaiter } from "./pool-queue.ts";

/** A pool with `free` places, and waiters that take one each. */
function bench(limit: number, free: number) {
  const queue = new PoolQueue(limit);
  const served: string[] = [];
  const state = { free };
  const waiter = (name: string, then?: () => void): PlaceWaiter => ({
    isChoosy: false,
    onPlace() {
      if (state.free === 0) return false;
      state.free--;
      served.push(name);
      then?.();
      return true;
    },
  });
  return { queue, served, state, waiter };
}

describe("PoolQueue", () => {
  it("serves in the order of arrival, as many as there are places", () => {
    const { queue, served, state, waiter } = bench(10, 0);
    for (const name of ["a", "b", "c"]) queue.add(waiter(name));
    queue.advance();
    expect(served).toEqual([]);
    state.free = 2;
    queue.advance();
    expect(served).toEqual(["a", "b"]);
    expect(queue.length).toBe(1);
  });

  it("passes over those for whom the free place is not, and comes back to them first", () => {
    const { queue, served, state, waiter } = bench(100, 0);
    const places = { choosy: false };
    const choosy = (name: string): PlaceWaiter => ({
      isChoosy: true,
      onPlace: () => places.choosy && served.push(name) > 0,
    });
    queue.add(choosy("a"));
    queue.add(choosy("b"));
    for (const name of ["c", "d"]) queue.add(waiter(name));
    state.free = 1;
    queue.advance();
    expect([served, queue.length]).toEqual([["c"], 3]);
    places.choosy = true;
    state.free = 1;
    queue.advance();
    expect([served, queue.length]).toEqual([["c", "a", "b", "d"], 0]);
  });

  it("lets a waiter be back in the queue, for its next request, when it has had its place", () => {
    const { queue, served, state } = bench(10, 2);
    const again: PlaceWaiter = {
      isChoosy: false,
      onPlace() {
        if (state.free === 0) return false;
        state.free--;
        served.push("again");
        queue.add(again);
        if (state.free === 1) queue.remove(again);
        return true;
      },
    };
    queue.add(again);
    queue.advance();
    expect([served, queue.length]).toEqual([["again"], 0]);
    queue.add(again);
    queue.advance();
    expect([served, queue.length]).toEqual([["again", "again"], 1]);
  });

  it("takes no more than its limit, and none with a limit of 0", () => {
    const { queue, waiter } = bench(2, 0);
    expect([queue.add(waiter("a")), queue.add(waiter("b")), queue.add(waiter("c"))]).toEqual([true, true, false]);
    expect(new PoolQueue(0).add(waiter("a"))).toBe(false);
  });

  it("lets a waiter that ends at once hand its place on without deep recursion", () => {
    const { queue, served, state, waiter } = bench(100_000, 0);
    const names = Array.from({ length: 50_000 }, (_, index) => String(index));
    for (const name of names) {
      const again = () => {
        state.free++;
        queue.advance();
      };
      queue.add(waiter(name, again));
    }
    state.free = 1;
    queue.advance();
    expect(served).toEqual(names);
    expect(queue.length).toBe(0);
  });

  it("forgets a waiter that has left, also one that leaves while others are served", () => {
    const { queue, served, state, waiter } = bench(10, 0);
    const c = waiter("c");
    queue.add(waiter("a", () => queue.remove(c)));
    queue.add(waiter("b"));
    queue.add(c);
    queue.add(waiter("d"));
    state.free = 10;
    queue.advance();
    expect(served).toEqual(["a", "b", "d"]);
    queue.remove(c);
    expect(queue.length).toBe(0);
  });

  it("loses and doubles nobody, whatever comes and goes (property)", () => {
    const step = fc.oneof(
      fc.constant({ kind: "add" as const }),
      fc.record({ kind: fc.constant("leave" as const), which: fc.nat() }),
      fc.record({ kind: fc.constant("free" as const), count: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { queue, served, state, waiter } = bench(1000, 0);
        const waiting: [string, PlaceWaiter][] = [];
        const expected: string[] = [];
        let count = 0;
        for (const action of steps) {
          if (action.kind === "add") {
            const name = String(count++);
            const entry = waiter(name);
            waiting.push([name, entry]);
            queue.add(entry);
          } else if (action.kind === "leave") {
            const [gone] = waiting.splice(action.which % Math.max(1, waiting.length), 1);
            if (gone !== undefined) queue.remove(gone[1]);
          } else {
            state.free = action.count;
            expected.push(...waiting.splice(0, action.count).map(([name]) => name));
            queue.advance();
            state.free = 0;
          }
          expect(served).toEqual(expected);
          expect(queue.length).toBe(waiting.length);
        }
      }),
    );
  });
});
