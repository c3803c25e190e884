import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RetryBudget } from "./retry-budget.ts";

const times = (count: number, act: () => unknown) => Array.from({ length: count }, act);
const taken = (budget: RetryBudget, now: number, tries: number) =>
  times(tries, () => budget.tryTake(now)).filter(Boolean).length;

describe("RetryBudget", () => {
  it("gives one retry for five requests at 20 %", () => {
    const budget = new RetryBudget({ share: 0.2, minPerSecond: 0 });
    times(4, () => budget.request(100));
    expect(budget.tryTake(100)).toBe(false);
    budget.request(200);
    expect(budget.tryTake(300)).toBe(true);
    expect(budget.tryTake(300)).toBe(false);
  });

  it("always allows the reserve, per window", () => {
    const budget = new RetryBudget({ share: 0.2, minPerSecond: 3 });
    expect(taken(budget, 5000, 1000)).toBe(30);
    expect(taken(budget, 9999, 1000)).toBe(0);
    expect(taken(budget, 15_000, 1000)).toBe(30);
  });

  it("does not add the reserve to the share of a busy pool", () => {
    const budget = new RetryBudget({ share: 0.2, minPerSecond: 3 });
    times(1000, () => budget.request(500));
    expect(taken(budget, 600, 1000)).toBe(200);
  });

  it("forgets requests after the window, one slice after another", () => {
    const budget = new RetryBudget({ share: 1, minPerSecond: 0, window: 1000 });
    times(10, () => budget.request(50));
    times(5, () => budget.request(150));
    expect(taken(budget, 1049, 3)).toBe(3);
    // The ten of the first slice are gone; of the other five three are spent.
    expect(taken(budget, 1050, 100)).toBe(2);
    expect(taken(budget, 1_000_000, 1)).toBe(0);
  });

  it("starts at any time and survives a clock that goes back", () => {
    const budget = new RetryBudget({ share: 1, minPerSecond: 0 });
    budget.request(1e12);
    budget.request(1e12 - 50_000);
    expect(taken(budget, 1e12, 5)).toBe(2);
  });

  it("never gives more than its share of the requests or the reserve, over any sequence", () => {
    const step = fc.record({
      wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 3000 })),
      retry: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 400 }),
        fc.constantFrom(0, 0.1, 0.2, 1),
        fc.constantFrom(0, 1, 3),
        (steps, share, minPerSecond) => {
          const window = 1000;
          const budget = new RetryBudget({ share, minPerSecond, window });
          const requests: number[] = [];
          const retries: number[] = [];
          let now = 0;
          for (const { wait, retry } of steps) {
            now += wait;
            // The model: what happened in the slice of 100 ms that now lies in and in the nine before it.
            const start = (Math.floor(now / 100) - 9) * 100;
            const recent = (at: number) => at >= start;
            const allowed = Math.max(share * requests.filter(recent).length, minPerSecond);
            const room = allowed - retries.filter(recent).length;
            if (!retry) {
              requests.push(now);
              budget.request(now);
            } else {
              expect(budget.tryTake(now)).toBe(room >= 1 - 1e-6);
              if (room >= 1 - 1e-6) retries.push(now);
            }
          }
          const windows = Math.floor(now / window) + 1;
          expect(retries.length).toBeLessThanOrEqual(share * requests.length + minPerSecond * windows + 1e-6);
        },
      ),
    );
  });
});
