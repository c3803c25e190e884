import * as fc from "fast-check";
import { expect, it } from "vitest";
import { sortByKey } from "./radix-sort.ts";

it("sorts keys of all 32 bits with their values and keeps the order of equal ones", () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.nat(5), fc.constant(0xffffffff));
  fc.assert(
    fc.property(fc.array(key), (list) => {
      const keys = Uint32Array.from(list);
      const values = Int32Array.from(list.keys());
      sortByKey(keys, values);
      const wanted = [...list.entries()].sort(([i, a], [j, b]) => a - b || i - j);
      expect([...keys]).toEqual(wanted.map(([, key]) => key));
      expect([...values]).toEqual(wanted.map(([index]) => index));
    }),
  );
});
