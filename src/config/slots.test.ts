import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PoolConfig } from "./schema.ts";
import { SlotAllocator, SlotsExhaustedError } from "./slots.ts";

type Pools = Readonly<Record<string, PoolConfig>>;

function poolsOf(servers: Record<string, readonly string[]>): Pools {
  const entries = Object.entries(servers).map(([name, ids]) => [
    name,
    { servers: ids.map((id) => ({ address: "127.0.0.1:1", id })) },
  ]);
  return Object.fromEntries(entries) as Pools;
}

describe("slots", () => {
  it("stay with their server over reloads, whatever its place", () => {
    const allocator = new SlotAllocator(10);
    expect(allocator.assign(poolsOf({ a: ["x", "y"], b: ["x"] })).slots).toEqual({ a: [0, 1], b: [2] });
    expect(allocator.assign(poolsOf({ b: ["x"], a: ["y", "z", "x"] })).slots).toEqual({ b: [2], a: [1, 3, 0] });
  });

  it("of removed servers are used again only after their release", () => {
    const allocator = new SlotAllocator(3);
    allocator.assign(poolsOf({ a: ["x", "y"] }));
    expect(allocator.assign(poolsOf({ a: ["y"] })).freed).toEqual([0]);
    expect(allocator.assign(poolsOf({ a: ["y", "z"] })).slots).toEqual({ a: [1, 2] });
    expect(() => allocator.assign(poolsOf({ a: ["y", "z", "w"] }))).toThrow(SlotsExhaustedError);
    expect(allocator.release([0])).toEqual([0]);
    expect(allocator.assign(poolsOf({ a: ["y", "z", "w"] })).slots).toEqual({ a: [1, 2, 0] });
  });

  it("go back to a server that returns before the release, which then does nothing", () => {
    const allocator = new SlotAllocator(3);
    allocator.assign(poolsOf({ a: ["x"] }));
    allocator.assign(poolsOf({}));
    expect(allocator.assign(poolsOf({ a: ["x"] })).slots).toEqual({ a: [0] });
    expect(allocator.release([0])).toEqual([]);
    expect(allocator.assign(poolsOf({ a: ["x", "y"] })).slots).toEqual({ a: [0, 1] });
  });

  it("are never shared, never move, and are refused only when there are none", () => {
    const ids = fc.uniqueArray(fc.constantFrom("p", "q", "r", "s", "t", "u"));
    const step = fc.oneof(fc.record({ a: ids, b: ids }), fc.constant("release" as const));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const allocator = new SlotAllocator(8);
        let held = new Map<string, number>();
        for (const action of steps) {
          if (action === "release") {
            allocator.release(allocator.draining);
            continue;
          }
          const wanted = [...action.a.map((id) => `a/${id}`), ...action.b.map((id) => `b/${id}`)];
          const isFull = new Set([...wanted, ...held.keys()]).size > 8;
          try {
            const { slots } = allocator.assign(poolsOf(action));
            const taken = new Map(wanted.map((key, index) => [key, [...(slots.a ?? []), ...(slots.b ?? [])][index]]));
            expect(new Set([...taken.values(), ...allocator.draining]).size).toBe(
              taken.size + allocator.draining.length,
            );
            for (const [key, slot] of taken) {
              expect(slot).toBeGreaterThanOrEqual(0);
              expect(slot).toBeLessThan(8);
              if (held.has(key)) expect(slot).toBe(held.get(key));
            }
            held = taken;
          } catch (error) {
            expect(error).toBeInstanceOf(SlotsExhaustedError);
            expect(isFull || allocator.draining.length > 0).toBe(true);
          }
        }
      }),
    );
  });
});
