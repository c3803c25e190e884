import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { errorsInWindow } from "./error-window.ts";
import { HealthFlag } from "./health-flags.ts";
import * as L from "./layout.ts";
import { Scoreboard } from "./scoreboard.ts";
import type { VerdictCounts, VerdictTask } from "./verdicts.fixture.ts";

describe("two threads that judge the same servers at the same time", () => {
  it("lose no failure, no ejection and no return, and exceed no limit", async () => {
    const main = Scoreboard.create({ servers: 12, workers: 2 });
    const slots = [2, 3, 4, 5, 6];
    const rounds = 60_000;
    const start = new SharedArrayBuffer(4);
    new Int32Array(start)[0] = 2;
    const results = await Promise.all(
      [0, 1].map(async (worker) => {
        const workerData: VerdictTask = {
          handle: main.handle,
          start,
          worker,
          rounds,
          slots,
          maxEjected: 2,
          maxTrials: 2,
        };
        const thread = new Worker(new URL("./verdicts.fixture.ts", import.meta.url), { workerData });
        // Both are waited for from the beginning: a thread's last message and its exit can come in one turn.
        const exited = once(thread, "exit");
        const [result] = (await once(thread, "message")) as [VerdictCounts];
        await exited;
        return result;
      }),
    );
    const sum = (key: keyof VerdictCounts) => results[0]![key] + results[1]![key];
    expect(main.health.read(0, L.CONSECUTIVE_ERRORS)).toBe(2 * rounds);
    expect(errorsInWindow(main.health, 0, rounds * 10, rounds)).toBe(2 * rounds);
    expect(sum("tooMany")).toBe(0);

    const stillOut = slots.filter((slot) => (main.health.flags(slot) & HealthFlag.ejected) !== 0).length;
    expect(sum("ejected")).toBe(sum("returned") + stillOut);
    expect(Math.min(results[0]!.ejected, results[1]!.ejected)).toBeGreaterThan(100);

    expect(sum("trials")).toBeGreaterThan(100);
    expect(main.health.read(1, L.BREAKER_TRIALS)).toBe(0);
    expect(main.health.lock()).toBe(true);
  });
});
