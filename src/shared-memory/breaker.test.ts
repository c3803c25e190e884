import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { breakerConnectFailed, breakerFailed, halfOpen, trialFailed, trialSucceeded, tryTrial } from "./breaker.ts";
import { settle } from "./failure-counts.ts";
import { HealthFlag, takesNewWork } from "./health-flags.ts";
import * as L from "./layout.ts";
import { Scoreboard } from "./scoreboard.ts";

const { breakerOpen, breakerTrial } = HealthFlag;
const config = { failureThreshold: 5, recoveryTimeout: 60_000, halfOpenRequests: 3 };

function workers(count = 2) {
  const main = Scoreboard.create({ servers: 2, workers: count });
  const healths = Array.from({ length: count }, (_, worker) => Scoreboard.attach(main.handle, worker).health);
  return { main, healths, a: healths[0]!, b: healths[1] ?? healths[0]! };
}

function opened() {
  const all = workers();
  for (let i = 0; i < 5; i++) breakerFailed(i % 2 === 0 ? all.a : all.b, 0, config, 1000);
  return all;
}

function halfOpened() {
  const all = opened();
  halfOpen(all.a, 0, 61_000);
  return all;
}

describe("a closed breaker", () => {
  it("opens after failures in a row over all workers", () => {
    const { a, b } = workers();
    for (let i = 0; i < 4; i++) breakerFailed(i % 2 === 0 ? a : b, 0, config, 1000);
    expect(a.flags(0)).toBe(0);
    settle(b, 0);
    for (let i = 0; i < 4; i++) breakerFailed(i % 2 === 0 ? a : b, 0, config, 1000);
    expect(a.flags(0)).toBe(0);
    breakerConnectFailed(a, 0, config, 2000);
    expect(b.flags(0)).toBe(breakerOpen);
    expect(takesNewWork(b.flags(0))).toBe(false);
    expect([b.breakerUntil(0), b.read(0, L.BREAKER_OPENINGS)]).toEqual([62_000, 1]);
  });

  it("gives no trials", () => {
    const { a } = workers();
    expect(tryTrial(a, 0, config)).toBe(false);
  });
});

describe("an open breaker", () => {
  it("minds no further failures and gives no trials until its time is over", () => {
    const { a, b } = opened();
    for (let i = 0; i < 9; i++) breakerFailed(a, 0, config, 30_000);
    expect([a.breakerUntil(0), a.read(0, L.BREAKER_OPENINGS)]).toEqual([61_000, 1]);
    expect(tryTrial(a, 0, config)).toBe(false);
    expect(halfOpen(a, 0, 60_999)).toBe(false);
    expect([halfOpen(a, 0, 61_000), halfOpen(b, 0, 61_000)]).toEqual([true, false]);
    expect(b.flags(0)).toBe(breakerTrial);
    expect(takesNewWork(b.flags(0))).toBe(true);
  });
});

describe("a half-open breaker", () => {
  it("lets so many trials run at a time over all workers", () => {
    const { a, b } = halfOpened();
    expect([tryTrial(a, 0, config), tryTrial(b, 0, config), tryTrial(b, 0, config)]).toEqual([true, true, true]);
    expect([tryTrial(a, 0, config), tryTrial(b, 0, config)]).toEqual([false, false]);
    b.endTrial(0);
    expect([tryTrial(a, 0, config), tryTrial(b, 0, config)]).toEqual([true, false]);
  });

  it("closes after as many successes, and then counts from nothing", () => {
    const { a, b } = halfOpened();
    for (const health of [a, b, a]) {
      expect(a.flags(0)).toBe(breakerTrial);
      expect(tryTrial(health, 0, config)).toBe(true);
      trialSucceeded(health, 0, config, 62_000);
    }
    expect([a.flags(0), a.read(0, L.BREAKER_TRIALS)]).toEqual([0, 0]);
    for (let i = 0; i < 4; i++) breakerFailed(a, 0, config, 62_000);
    expect(a.flags(0)).toBe(0);
    breakerFailed(a, 0, config, 62_000);
    expect(a.flags(0)).toBe(breakerOpen);
  });

  it("opens again with one failed trial, for as long as the first time", () => {
    const { a, b } = halfOpened();
    tryTrial(a, 0, config);
    tryTrial(b, 0, config);
    trialSucceeded(a, 0, config, 62_000);
    trialFailed(b, 0, config, 63_000);
    expect([a.flags(0), a.breakerUntil(0), a.read(0, L.BREAKER_OPENINGS)]).toEqual([breakerOpen, 123_000, 2]);
    halfOpen(a, 0, 123_000);
    // The success of the round before counts for nothing now.
    for (const health of [a, b]) {
      tryTrial(health, 0, config);
      trialSucceeded(health, 0, config, 124_000);
    }
    expect(a.flags(0)).toBe(breakerTrial);
  });

  it("does not mind what requests say that are no trials, but a failed connection is one", () => {
    const { a } = halfOpened();
    for (let i = 0; i < 9; i++) breakerFailed(a, 0, config, 62_000);
    expect(a.flags(0)).toBe(breakerTrial);
    breakerConnectFailed(a, 0, config, 62_000);
    expect(a.flags(0)).toBe(breakerOpen);
  });

  it("does not wait for the trials of a worker that is dead", () => {
    const { main, a, b } = halfOpened();
    for (let i = 0; i < 3; i++) expect(tryTrial(b, 0, config)).toBe(true);
    expect(tryTrial(a, 0, config)).toBe(false);
    main.reclaim(1);
    expect([a, a, a, a].map((health) => tryTrial(health, 0, config))).toEqual([true, true, true, false]);
  });
});

describe("a slot that another server gets", () => {
  it("begins with a closed breaker, and gets back what still runs there", () => {
    const { main, a, b } = halfOpened();
    tryTrial(a, 0, config);
    main.reset(0, 70_000);
    expect([b.flags(0), b.breakerUntil(0), b.read(0, L.BREAKER_OPENINGS)]).toEqual([0, NaN, 0]);
    trialSucceeded(a, 0, config, 71_000);
    expect(b.read(0, L.BREAKER_TRIALS)).toBe(0);
  });
});

type Phase = "closed" | "open" | "half-open";

/** What the breaker should do, written as one would in a single thread. */
class Model {
  phase: Phase = "closed";
  failures = 0;
  successes = 0;
  until = 0;

  open(now: number): void {
    this.phase = "open";
    this.failures = 0;
    this.until = now + 1000;
  }
  failed(trial: boolean, now: number): void {
    if (this.phase === "half-open" && trial) this.open(now);
    else if (this.phase === "closed" && ++this.failures === 2) this.open(now);
  }
  succeeded(trial: boolean): void {
    this.failures = 0;
    if (this.phase === "half-open" && trial && ++this.successes === 2) this.phase = "closed";
  }
  tick(now: number): void {
    if (this.phase !== "open" || now < this.until) return;
    this.phase = "half-open";
    this.successes = 0;
  }
}

describe("the breaker in any order of events", () => {
  it("does what one in a single thread would, and never lets more trials run than it may", () => {
    const small = { failureThreshold: 2, recoveryTimeout: 1000, halfOpenRequests: 2 };
    const step = fc.record({
      worker: fc.nat(2),
      pause: fc.integer({ min: 0, max: 600 }),
      what: fc.constantFrom("begin", "begin", "good", "bad", "gone", "goodTrial", "badTrial", "tick", "crash"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const { main, healths } = workers(3);
        const running = [0, 0, 0];
        const model = new Model();
        let now = 1;
        for (const { worker, pause, what } of steps) {
          const health = healths[worker]!;
          now += pause;
          const all = running[0]! + running[1]! + running[2]!;
          if (what === "begin") {
            const allowed = model.phase === "half-open" && all < 2;
            expect(tryTrial(health, 0, small)).toBe(allowed);
            if (allowed) running[worker]!++;
          } else if (what === "tick") {
            halfOpen(health, 0, now);
            model.tick(now);
          } else if (what === "good") {
            settle(health, 0);
            model.succeeded(false);
          } else if (what === "bad") {
            breakerFailed(health, 0, small, now);
            model.failed(false, now);
          } else if (what === "crash") {
            main.reclaim(worker);
            running[worker] = 0;
          } else if (running[worker]! > 0) {
            running[worker]!--;
            if (what === "gone") health.endTrial(0);
            else if (what === "goodTrial") {
              trialSucceeded(health, 0, small, now);
              settle(health, 0);
              model.succeeded(true);
            } else {
              trialFailed(health, 0, small, now);
              model.failed(true, now);
            }
          }
          const flags = { closed: 0, open: breakerOpen, "half-open": breakerTrial };
          expect(health.flags(0)).toBe(flags[model.phase]);
          expect(health.read(0, L.BREAKER_TRIALS)).toBe(running[0]! + running[1]! + running[2]!);
        }
      }),
      { numRuns: 300 },
    );
  });
});
