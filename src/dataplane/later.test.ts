import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { later } from "./later.ts";
import { testWorker } from "./worker.fixture.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

it("runs later, can be called off, and a bug in it is logged and goes no further", () => {
  const context = testWorker();
  const calls: string[] = [];
  later(context, 10, () => calls.push("a"));
  clearTimeout(later(context, 10, () => calls.push("b")));
  later(context, 10, () => {
    throw new Error("oh");
  });
  vi.advanceTimersByTime(9);
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(calls).toEqual(["a"]);
  expect(context.logs).toEqual([expect.stringContaining("error timer: Error: oh")]);
});
