import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { errors } from "../../core/errors.ts";
import { HealthFlag, takesNewWork } from "../../shared-memory/health-flags.ts";
import { passiveWorkers } from "./passive-health.fixture.ts";

const { ejected, unreachable, breakerTrial } = HealthFlag;

/** Failures in a row of one server, as one would count them in a single thread. */
interface Counts {
  errors: number;
  gateway: number;
  out: boolean;
}

describe("counts over several workers", () => {
  it("eject with exactly the failure that one counter for all would eject with", () => {
    const step = fc.record({
      worker: fc.nat(3),
      slot: fc.nat(3),
      status: fc.constantFrom(200, 404, 500, 500, 500, 502, 503, 0),
    });
    const limit = fc.integer({ min: 0, max: 6 });
    fc.assert(
      fc.property(limit, limit, fc.array(step, { maxLength: 200 }), (maxErrors, maxGateway, steps) => {
        const outlierDetection = {
          consecutiveErrors: maxErrors,
          consecutiveGatewayErrors: maxGateway,
          maxEjected: "100%",
        };
        const { all, health } = passiveWorkers(4, { outlierDetection, minimumHealthy: 0 }, 4);
        const model: Counts[] = Array.from({ length: 4 }, () => ({ errors: 0, gateway: 0, out: false }));
        for (const { worker, slot, status } of steps) {
          if (status === 0) all[worker]!.failed(slot, errors.connectionLost, 1000, false);
          else all[worker]!.answered(slot, status, 1000, false);
          const counts = model[slot]!;
          if (!counts.out) {
            const success = status !== 0 && status < 500;
            counts.errors = success ? 0 : counts.errors + 1;
            counts.gateway = success || status === 500 ? 0 : counts.gateway + 1;
            counts.out =
              (maxErrors > 0 && counts.errors >= maxErrors) || (maxGateway > 0 && counts.gateway >= maxGateway);
          }
          for (const [one, { out }] of model.entries()) expect((health.flags(one) & ejected) !== 0).toBe(out);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("leave the pool within its limits, give no more trials than allowed, and end with every server back", () => {
    const step = fc.record({
      worker: fc.nat(2),
      slot: fc.nat(9),
      pause: fc.integer({ min: 0, max: 3000 }),
      what: fc.constantFrom("ok", "500", "503", "lost", "refused", "timeout", "connected", "begin", "tick", "gone"),
    });
    const pool = {
      outlierDetection: { errorThreshold: 4, errorWindow: "10s", maxEjected: "30%" },
      circuitBreaker: { failureThreshold: 3, recoveryTimeout: "5s", halfOpenRequests: 2 },
      minimumHealthy: 4,
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const { all, health, slots } = passiveWorkers(10, pool, 3);
        // Trials that each worker runs, by server.
        const trials = all.map(() => slots.map(() => 0));
        const running = (slot: number) => trials.reduce((sum, mine) => sum + mine[slot]!, 0);
        let now = 1;
        for (const { worker, slot, pause, what } of steps) {
          now += pause;
          const passive = all[worker]!;
          const mine = trials[worker]!;
          const trial = mine[slot]! > 0 && ["ok", "500", "503", "lost", "gone"].includes(what);
          const readyBefore = slots.filter((one) => takesNewWork(health.flags(one))).length;
          const ejectedBefore = slots.filter((one) => (health.flags(one) & ejected) !== 0).length;
          if (trial) mine[slot]!--;
          if (what === "ok") passive.answered(slot, 200, now, trial);
          else if (what === "500" || what === "503") passive.answered(slot, Number(what), now, trial);
          else if (what === "lost") passive.failed(slot, errors.connectionLost, now, trial);
          else if (what === "refused") passive.connectFailed(slot, "ECONNREFUSED", now);
          else if (what === "timeout") passive.connectFailed(slot, "timeout", now);
          else if (what === "connected") passive.connected(slot, now);
          else if (what === "tick") passive.tick(now);
          else if (what === "gone" && trial) passive.endTrial(slot);
          else if (what === "begin" && passive.tryTrial(slot)) {
            expect(health.flags(slot) & breakerTrial).toBe(breakerTrial);
            mine[slot]!++;
          }
          expect(running(slot)).toBeLessThanOrEqual(2);
          const ejectedNow = slots.filter((one) => (health.flags(one) & ejected) !== 0).length;
          expect(ejectedNow).toBeLessThanOrEqual(3);
          // What ejects one must leave enough; what is a fact (refused, an open breaker) need not.
          if (ejectedNow > ejectedBefore) expect(readyBefore - 1).toBeGreaterThanOrEqual(4);
          if ((health.flags(slot) & unreachable) !== 0) expect(takesNewWork(health.flags(slot))).toBe(false);
        }
        for (const [worker, mine] of trials.entries()) {
          for (const slot of slots) for (; mine[slot]! > 0; mine[slot]!--) all[worker]!.endTrial(slot);
        }
        for (const passive of all) passive.tick(now + 400_000);
        expect(slots.filter((slot) => !takesNewWork(health.flags(slot)))).toEqual([]);
        for (const slot of slots) {
          if ((health.flags(slot) & breakerTrial) === 0) continue;
          expect([0, 1, 2].map((worker) => all[worker]!.tryTrial(slot))).toEqual([true, true, false]);
        }
      }),
      { numRuns: 200 },
    );
  });
});
