import { expect, it } from "vitest";
import { requestIds } from "./worker-context.ts";

it("request ids are the worker's prefix and a number that never comes twice", () => {
  const [one, other] = [requestIds("a"), requestIds("b")];
  const ids = new Set(Array.from({ length: 1000 }, () => [one(), other()]).flat());
  expect(ids.size).toBe(2000);
  expect([one(), other()]).toEqual([`a${(1000).toString(36)}`, `b${(1000).toString(36)}`]);
});
