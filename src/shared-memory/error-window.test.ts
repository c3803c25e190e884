import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearWindow, countInWindow, errorsInWindow } from "./error-window.ts";
import { Scoreboard } from "./scoreboard.ts";

const WINDOW = 60_000;

function twoWorkers() {
  const main = Scoreboard.create({ servers: 2, workers: 2 });
  return [Scoreboard.attach(main.handle, 0).health, Scoreboard.attach(main.handle, 1).health] as const;
}

describe("the error window", () => {
  it("adds up the failures of all workers, per server", () => {
    const [a, b] = twoWorkers();
    expect([
      countInWindow(a, 0, WINDOW, 1e9),
      countInWindow(b, 0, WINDOW, 1e9 + 20_000),
      countInWindow(a, 0, WINDOW, 1e9 + 20_001),
      countInWindow(a, 1, WINDOW, 1e9 + 20_001),
    ]).toEqual([1, 2, 3, 1]);
    clearWindow(b, 0);
    expect(errorsInWindow(a, 0, WINDOW, 1e9 + 20_002)).toBe(0);
    expect(errorsInWindow(a, 1, WINDOW, 1e9 + 20_002)).toBe(1);
  });

  it("never sees what is older than the window, and always what is younger than 7/8 of it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.array(
          fc.record({ pause: fc.oneof(fc.integer({ max: 20_000, min: 0 }), fc.constant(0)), worker: fc.nat(1) }),
          { maxLength: 80 },
        ),
        (start, failures) => {
          const workers = twoWorkers();
          const times: number[] = [];
          let now = start;
          for (const { pause, worker } of failures) {
            now += pause;
            times.push(now);
            const count = countInWindow(workers[worker]!, 0, WINDOW, now);
            expect(count).toBeGreaterThanOrEqual(times.filter((at) => now - at < (WINDOW * 7) / 8).length);
            expect(count).toBeLessThanOrEqual(times.filter((at) => now - at < WINDOW).length);
          }
        },
      ),
    );
  });

  it("takes a thread that is a little behind in time for one of the present", () => {
    const [a, b] = twoWorkers();
    countInWindow(a, 0, 800, 10_000);
    expect(countInWindow(b, 0, 800, 9_999)).toBe(2);
    expect(errorsInWindow(a, 0, 800, 10_000)).toBe(2);
  });

  it("counts more failures than the largest threshold without running over", () => {
    const [a] = twoWorkers();
    for (let i = 0; i < 131_080; i++) countInWindow(a, 0, WINDOW, 5000);
    expect(errorsInWindow(a, 0, WINDOW, 5000)).toBe(131_071);
    expect(errorsInWindow(a, 0, WINDOW, 5000 + WINDOW)).toBe(0);
  });

  it("works with windows of a millisecond and of a day", () => {
    const [a] = twoWorkers();
    expect([countInWindow(a, 0, 1, 1e6), countInWindow(a, 0, 1, 1e6 + 0.05), countInWindow(a, 0, 1, 1e6 + 2)]).toEqual([
      1, 2, 1,
    ]);
    expect([countInWindow(a, 1, 86_400_000, 1e9), countInWindow(a, 1, 86_400_000, 1e9 + 70_000_000)]).toEqual([1, 2]);
  });
});
