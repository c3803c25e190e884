import { expect, it } from "vitest";
import { IdlePriorities } from "./idle-priorities.ts";

it("keeps the last priority of each stream until that or a later one opens", () => {
  const priorities = new IdlePriorities();
  expect([priorities.take(1), priorities.size, priorities.has(3)]).toEqual([-1, 0, false]);
  priorities.set(3, 1);
  priorities.set(5, 2);
  priorities.set(7, 4);
  priorities.set(5, 9);
  expect([priorities.size, priorities.has(3)]).toEqual([3, true]);
  expect(priorities.take(5)).toBe(9);
  expect([priorities.size, priorities.has(3), priorities.has(7)]).toEqual([1, false, true]);
  expect(priorities.take(9)).toBe(-1);
  expect(priorities.size).toBe(0);
});
