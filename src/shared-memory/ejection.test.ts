import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mostEjected } from "../core/health/ejection-rules.ts";
import {
  clearPassive,
  eject,
  ejections,
  endAbsence,
  endEjection,
  endSilence,
  endUnreachable,
  setUnreachable,
  tryEject,
} from "./ejection.ts";
import { PassiveReason } from "./health-board.ts";
import { HealthFlag, takesNewWork } from "./health-flags.ts";
import * as L from "./layout.ts";
import { poolConfig } from "./pool-config.fixture.ts";
import { Scoreboard } from "./scoreboard.ts";

const { ejected, unreachable, unhealthy, forcedUp, draining } = HealthFlag;
const random = () => 0;
const reason = PassiveReason.consecutiveErrors;

function pool(servers: number, config: Readonly<Record<string, unknown>> = {}) {
  const scoreboard = Scoreboard.create({ servers, workers: 2 });
  const slots = Array.from({ length: servers }, (_, slot) => slot);
  const settings = poolConfig(config);
  const ask = (slot: number, now: number, why: PassiveReason = reason) =>
    tryEject({ scoreboard, slots, slot, config: settings, reason: why, now, random });
  return { scoreboard, health: scoreboard.health, slots, config: settings, ask };
}

describe("an ejection", () => {
  it("lasts longer each time in a row, and less again after a while without one", () => {
    const { health, ask } = pool(10);
    const lengths: number[] = [];
    let now = 1000;
    for (let i = 0; i < 3; i++) {
      expect(ask(4, now)).toBe("ejected");
      lengths.push(health.ejectedUntil(4) - now);
      expect(endEjection(health, 4, health.ejectedUntil(4) - 1)).toBe(false);
      now = health.ejectedUntil(4);
      expect(endEjection(health, 4, now)).toBe(true);
      expect(health.flags(4)).toBe(0);
    }
    expect(lengths).toEqual([30_000, 60_000, 90_000]);
    now += 2 * 30_000;
    expect(ejections(health, 4, 30_000, now)).toBe(1);
    ask(4, now);
    expect(health.ejectedUntil(4) - now).toBe(60_000);
  });

  it("says why, since when and until when", () => {
    const { scoreboard, health, ask } = pool(3);
    ask(1, 5000, PassiveReason.latency);
    expect(health.flags(1)).toBe(ejected);
    expect([health.reason(1), health.ejectedAt(1), health.ejectedUntil(1)]).toEqual([
      PassiveReason.latency,
      5000,
      35_000,
    ]);
    endEjection(health, 1, 36_000);
    expect(scoreboard.readySince(1)).toBe(36_000);
  });

  it("is not needed for a server that gets no work or that an operator forced up", () => {
    const { health, ask } = pool(10);
    health.set(0, unhealthy, 1);
    health.set(1, forcedUp, 1);
    health.set(2, draining, 1);
    expect([0, 1, 2].map((slot) => ask(slot, 10))).toEqual(["needless", "needless", "needless"]);
    expect(ask(3, 10)).toBe("ejected");
    expect(ask(3, 11)).toBe("needless");
    expect(health.ejectedUntil(3)).toBe(30_010);
  });

  it("does not exist where outlier detection is off", () => {
    const { scoreboard, health, slots, config } = pool(10, { outlierDetection: "off" });
    expect(eject({ scoreboard, slots, slot: 0, config, reason, now: 1, random })).toBe(false);
    expect(health.flags(0)).toBe(0);
  });

  it("starts the counts over, also when it is forbidden", () => {
    const { health, ask } = pool(2);
    const counts = [L.CONSECUTIVE_ERRORS, L.CONSECUTIVE_GATEWAY, L.WINDOW_ERRORS + 3];
    for (const slot of [0, 1]) {
      for (const cell of counts) health.write(slot, cell, 9);
      expect(ask(slot, 1)).toBe(slot === 0 ? "ejected" : "forbidden");
      expect(counts.map((cell) => health.read(slot, cell))).toEqual([0, 0, 0]);
    }
  });
});

describe("the limits", () => {
  it("let one server of a small pool go, but never the last", () => {
    const three = pool(3);
    expect([0, 1, 2].map((slot) => three.ask(slot, 1))).toEqual(["ejected", "forbidden", "forbidden"]);
    expect(pool(1).ask(0, 1)).toBe("forbidden");
    expect(pool(1, { minimumHealthy: 0 }).ask(0, 1)).toBe("ejected");
  });

  it("count those that are out for other reasons as not ready, but not as ejected", () => {
    const { health, ask } = pool(4, { outlierDetection: { maxEjected: "100%" }, minimumHealthy: 2 });
    health.set(0, unreachable, 1);
    expect([1, 2].map((slot) => ask(slot, 1))).toEqual(["ejected", "forbidden"]);
    health.clear(0, unreachable, 2);
    expect([2, 3].map((slot) => ask(slot, 3))).toEqual(["ejected", "forbidden"]);
  });

  it("are never exceeded, whatever happens in whatever order in any worker", () => {
    const step = fc.record({
      worker: fc.nat(2),
      slot: fc.nat(11),
      pause: fc.integer({ min: 0, max: 20_000 }),
      what: fc.constantFrom("eject", "return", "down", "up", "unreachable", "reachable"),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(0, 0.1, 0.34, 1),
        fc.nat(4),
        fc.array(step, { maxLength: 120 }),
        (servers, maxEjected, minimumHealthy, steps) => {
          const { scoreboard, slots, config } = pool(servers, { outlierDetection: { maxEjected }, minimumHealthy });
          const boards = [0, 1, 2].map((worker) => Scoreboard.attach(scoreboard.handle, worker));
          let now = 1;
          for (const { worker, slot: any, pause, what } of steps) {
            const slot = any % servers;
            const board = boards[worker]!;
            const { health } = board;
            now += pause;
            const readyBefore = slots.filter((one) => takesNewWork(health.flags(one))).length;
            if (what === "eject") {
              const done = eject({ scoreboard: board, slots, slot, config, reason, now, random });
              if (done) expect(readyBefore - 1).toBeGreaterThanOrEqual(minimumHealthy);
            } else if (what === "return") endEjection(health, slot, now);
            else if (what === "down") health.set(slot, unhealthy, now);
            else if (what === "up") health.clear(slot, unhealthy, now);
            else if (what === "unreachable") {
              setUnreachable({ health, slot, reason: PassiveReason.connectTimeout, time: 30_000, now, random });
            } else health.clear(slot, unreachable, now);
            const out = slots.filter((one) => (health.flags(one) & ejected) !== 0).length;
            expect(out).toBeLessThanOrEqual(mostEjected(servers, maxEjected));
          }
        },
      ),
    );
  });
});

describe("silence", () => {
  it("is over when the server says something, others are not", () => {
    const { health, ask } = pool(20, { outlierDetection: { maxEjected: "50%" } });
    ask(0, 1000, PassiveReason.silence);
    ask(1, 1000, PassiveReason.gatewayErrors);
    expect(endSilence(health, 0, 1000, 1100)).toBe(false);
    expect(endSilence(health, 0, 1001, 1100)).toBe(true);
    expect(endSilence(health, 1, 1001, 1100)).toBe(false);
    expect([health.flags(0), health.flags(1)]).toEqual([0, ejected]);
    // The next one counts from here.
    expect(health.ejectedUntil(0)).toBe(1100);
    expect(ejections(health, 0, 30_000, 31_099)).toBe(1);
    expect(ejections(health, 0, 30_000, 31_100)).toBe(0);
  });
});

describe("an unreachable server", () => {
  const finding = { slot: 0, time: 30_000, random };

  it("is out whatever the limits, until its time is over; each finding puts that off", () => {
    const { health } = pool(1);
    const refused = { ...finding, health, reason: PassiveReason.refused };
    expect(setUnreachable({ ...refused, now: 1000 })).toBe(true);
    expect(setUnreachable({ ...refused, now: 5000 })).toBe(false);
    expect(health.flags(0)).toBe(unreachable);
    expect(endUnreachable(health, 0, 34_999)).toBe(false);
    expect(endUnreachable(health, 0, 35_000)).toBe(true);
    expect(health.flags(0)).toBe(0);
  });

  it("is not given back by time where traffic did not find it out, or something else has cleared it since", () => {
    const { health } = pool(1);
    setUnreachable({ ...finding, health, reason: PassiveReason.refused, now: 1000 });
    health.clear(0, unreachable, 2000);
    health.set(0, unreachable, 3000);
    expect(endUnreachable(health, 0, 1e9)).toBe(false);
  });

  it("begins anew after an ejection when its connections are refused, not when they time out", () => {
    const { health, ask } = pool(20, { outlierDetection: { maxEjected: "50%" } });
    for (const slot of [0, 1]) ask(slot, 1000);
    setUnreachable({ ...finding, health, slot: 0, reason: PassiveReason.refused, now: 2000 });
    setUnreachable({ ...finding, health, slot: 1, reason: PassiveReason.connectTimeout, now: 2000 });
    expect([health.flags(0), health.flags(1)]).toEqual([unreachable, unreachable | ejected]);
    expect(health.ejectedUntil(0)).toBe(2000);
    expect(health.reason(0)).toBe(PassiveReason.refused);
  });
});

const gone = (health: Scoreboard["health"], now: number, time = 30_000) =>
  setUnreachable({ health, slot: 0, reason: PassiveReason.refused, time, now, random });

describe("a server that comes and goes", () => {
  it("stays out for 0, 1, 2, 4 s and so on, at most as long as an ejection", () => {
    const { health } = pool(3);
    let now = 1000;
    const absences: number[] = [];
    for (let i = 0; i < 8; i++) {
      gone(health, now);
      const since = now;
      // It could be reached again at once, and somebody looks every 100 ms.
      while (!endAbsence(health, 0, now, false)) now += 100;
      absences.push(now - since);
      expect(health.flags(0)).toBe(0);
      now += 500;
    }
    expect(absences).toEqual([0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  });

  it("comes back at once when no other server of its pool is ready", () => {
    const { health } = pool(3);
    gone(health, 1000);
    endAbsence(health, 0, 1100, false);
    gone(health, 1200);
    expect(endAbsence(health, 0, 1300, false)).toBe(false);
    expect(health.flags(0)).toBe(unreachable);
    expect(endAbsence(health, 0, 1300, true)).toBe(true);
    // Only one of those who find out has brought it back.
    expect(endAbsence(health, 0, 1300, true)).toBe(false);
    expect(health.flags(0)).toBe(0);
  });

  it("has one absence forgotten for each time of an ejection that it stays", () => {
    const { health } = pool(3);
    let now = 1000;
    for (let i = 0; i < 3; i++) {
      gone(health, now);
      now += 10_000;
      expect(endAbsence(health, 0, now, false)).toBe(true);
    }
    expect(health.read(0, L.ABSENCES)).toBe(3);
    now += 10 * 30_000;
    gone(health, now);
    expect(health.read(0, L.ABSENCES)).toBe(1);
    expect(endAbsence(health, 0, now, false)).toBe(true);
  });

  it("counts each absence once, however many find out", () => {
    const { health } = pool(3);
    for (const now of [1000, 1010, 1500]) gone(health, now);
    expect(health.read(0, L.ABSENCES)).toBe(1);
    expect(endAbsence(health, 0, 1600, false)).toBe(true);
  });
});

describe("an operator's word", () => {
  it("clears all that traffic said, and nothing else", () => {
    const { scoreboard, health, ask } = pool(3);
    ask(1, 1000);
    setUnreachable({ health, slot: 1, reason: PassiveReason.connectTimeout, time: 30_000, now: 1000, random });
    health.set(1, HealthFlag.breakerOpen | unhealthy, 1000);
    health.write(1, L.CONSECUTIVE_ERRORS, 3);
    health.write(1, L.BREAKER_FAILURES, 3);
    clearPassive(scoreboard, 1, 2000);
    expect(health.flags(1)).toBe(unhealthy);
    expect([L.CONSECUTIVE_ERRORS, L.BREAKER_FAILURES, L.EJECTIONS].map((cell) => health.read(1, cell))).toEqual([
      0, 0, 0,
    ]);
    expect([health.reason(1), health.ejectedUntil(1), health.unreachableUntil(1)]).toEqual([
      PassiveReason.none,
      NaN,
      NaN,
    ]);
  });
});

describe("the lock", () => {
  it("is not waited for without end, and is taken from a dead worker", () => {
    const { scoreboard, health, slots, config } = pool(10);
    const worker = Scoreboard.attach(scoreboard.handle, 1);
    const ask = () => tryEject({ scoreboard, slots, slot: 0, config, reason, now: 1, random });
    expect(worker.health.lock()).toBe(true);
    health.write(0, L.CONSECUTIVE_ERRORS, 5);
    expect(ask()).toBe("busy");
    expect(health.read(0, L.CONSECUTIVE_ERRORS)).toBe(5);
    // Nobody can give back what is another's.
    health.unlock();
    expect(ask()).toBe("busy");
    scoreboard.reclaim(1);
    expect(ask()).toBe("ejected");
  });
});
