import fc from "fast-check";
import { expect, it } from "vitest";
import { DueHeap, type Due } from "./due-heap.ts";

it("gives what is due first, whatever was put, moved and taken out before", () => {
  const step = fc.record({ item: fc.nat(30), due: fc.integer({ min: 0, max: 1000 }), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const heap = new DueHeap<Due>();
      const items = Array.from({ length: 31 }, () => ({ due: 0, place: -1 }));
      const inside = new Set<Due>();
      for (const { item, due, remove } of steps) {
        if (remove) {
          heap.remove(items[item]!);
          inside.delete(items[item]!);
        } else {
          heap.put(items[item]!, due);
          inside.add(items[item]!);
        }
        expect(heap.size).toBe(inside.size);
        expect(heap.first?.due ?? Infinity).toBe(Math.min(Infinity, ...[...inside].map((one) => one.due)));
      }
      const order: number[] = [];
      for (let first = heap.first; first !== undefined; first = heap.first) {
        order.push(first.due);
        heap.remove(first);
      }
      expect(order).toEqual([...inside].map((one) => one.due).toSorted((a, b) => a - b));
    }),
  );
});
