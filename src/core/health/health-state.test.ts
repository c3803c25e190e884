import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../random.ts";
import {
  CHECKS_PER_FALL,
  isUnsettled,
  MAX_EXTRA_CHECKS,
  neededToReturn,
  nextHealth,
  unknownHealth,
  worstState,
  type CheckHealth,
  type CheckResult,
  type HealthRules,
} from "./health-state.ts";

const rules: HealthRules = { unhealthyThreshold: 3, healthyThreshold: 2, degradedLatency: 0 };

/** g: good, d: degraded, f: failed, t: failed because its time was over. */
function result(kind: string, at = 0, latency = 1): CheckResult {
  const outcome = kind === "g" ? "healthy" : kind === "d" ? "degraded" : "unhealthy";
  const reason = kind === "g" ? undefined : `${kind} at ${at}`;
  return { outcome, at, latency, reason, timedOut: kind === "t" };
}

function after(kinds: string, from: CheckHealth = unknownHealth, urgent = false): CheckHealth {
  return [...kinds].reduce((health, kind, at) => nextHealth(health, result(kind, at), rules, urgent), from);
}

describe("the state of a server by its checks", () => {
  it.each([
    ["", "unknown"],
    ["g", "healthy"],
    ["f", "unhealthy"],
    ["d", "degraded"],
    ["gff", "healthy"],
    ["gfff", "unhealthy"],
    ["gffgff", "healthy"],
    ["gfffg", "unhealthy"],
    ["gfffgg", "healthy"],
    ["gfffgfg", "unhealthy"],
    ["gdd", "healthy"],
    ["gddd", "degraded"],
    ["gdfd", "degraded"],
    ["gdddg", "degraded"],
    ["gdddgg", "healthy"],
    ["gdddgdg", "degraded"],
    ["gdddfff", "unhealthy"],
    ["gfffdd", "degraded"],
    ["gfffdg", "degraded"],
    ["gfffdgg", "healthy"],
  ])("after %j is %s", (kinds, state) => {
    expect(after(kinds).state).toBe(state);
  });

  it("does not take one check that ran out of time for the end of a new server", () => {
    expect(after("t").state).toBe("unknown");
    expect(after("tg").state).toBe("healthy");
    expect(after("tt").state).toBe("unhealthy");
    expect(after("tf").state).toBe("unhealthy");
  });

  it("is decided by one good result when the pool has no ready server", () => {
    const down = after("gfff");
    expect(after("g", down, true).state).toBe("healthy");
    expect(after("d", down, true).state).toBe("degraded");
    expect(after("f", down, true).state).toBe("unhealthy");
  });

  it("takes a slow answer for a degraded one", () => {
    const slow = nextHealth(unknownHealth, result("g", 0, 300), { ...rules, degradedLatency: 250 }, false);
    expect(slow.state).toBe("degraded");
    expect(slow.last?.reason).toBe("answered after 300 ms, more than 250 ms");
    expect(nextHealth(unknownHealth, result("g", 0, 250), { ...rules, degradedLatency: 250 }, false).state).toBe(
      "healthy",
    );
  });

  it("knows since when, counts in a row, and keeps the last failure for ever", () => {
    const health = after("gffggggggg");
    expect(health).toMatchObject({ state: "healthy", since: 0, failures: 0, successes: 7, good: 7, notGood: 0 });
    expect(health.lastFailure).toMatchObject({ at: 2, reason: "f at 2" });
    expect(after("gfff")).toMatchObject({ state: "unhealthy", since: 3, failures: 3, notGood: 3 });
  });

  it("asks one more good check of a server for each earlier fall, and forgets falls while it is well", () => {
    let health = after("gfff");
    for (let fall = 1; fall <= MAX_EXTRA_CHECKS + 3; fall++) {
      const needed = Math.min(rules.healthyThreshold + fall - 1, rules.healthyThreshold + MAX_EXTRA_CHECKS);
      expect(neededToReturn(health, rules)).toBe(needed);
      expect(after("g".repeat(needed - 1), health).state).toBe("unhealthy");
      health = after("g".repeat(needed), health);
      expect(health.state).toBe("healthy");
      health = after("fff", health);
    }
    const well = after("g".repeat(CHECKS_PER_FALL * (MAX_EXTRA_CHECKS + 1)), health);
    expect(neededToReturn(after("fff", well), rules)).toBe(rules.healthyThreshold);
  });

  it("wants to be asked again soon while it is unknown or begins to fail, not on the way back", () => {
    expect(["", "g", "gf", "gfff", "gfffg", "gddd", "gdddf"].map((kinds) => isUnsettled(after(kinds)))).toEqual([
      true,
      false,
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it("is the worst of several checks", () => {
    expect(worstState([])).toBe("healthy");
    expect(worstState(["healthy", "degraded"])).toBe("degraded");
    expect(worstState(["degraded", "unknown"])).toBe("unknown");
    expect(worstState(["unhealthy", "unknown", "healthy"])).toBe("unhealthy");
  });
});

describe("hysteresis", () => {
  const someRules = fc.record({
    unhealthyThreshold: fc.integer({ min: 1, max: 6 }),
    healthyThreshold: fc.integer({ min: 1, max: 6 }),
    degradedLatency: fc.constant(0),
  });
  const someResults = fc.array(fc.constantFrom("g", "d", "f", "t"), { maxLength: 200 });

  it("never changes the state without as many results in a row as the thresholds ask for", () => {
    fc.assert(
      fc.property(someRules, someResults, (given, kinds) => {
        let health: CheckHealth = unknownHealth;
        for (const [index, kind] of kinds.entries()) {
          const before = health;
          health = nextHealth(before, result(kind, index), given, false);
          if (before.state === "unknown" || health.state === before.state) continue;
          const latest = (count: number) => kinds.slice(index + 1 - count, index + 1);
          if (health.state === "unhealthy") {
            expect(latest(given.unhealthyThreshold).every((one) => one === "f" || one === "t")).toBe(true);
          } else if (before.state === "unhealthy") {
            expect(latest(given.healthyThreshold).every((one) => one === "g" || one === "d")).toBe(true);
          } else if (health.state === "healthy") {
            expect(latest(given.healthyThreshold).every((one) => one === "g")).toBe(true);
          } else {
            expect(latest(given.unhealthyThreshold).every((one) => one !== "g")).toBe(true);
          }
        }
      }),
    );
  });

  it("always follows a server that stays as it is, and only its last results count in the end", () => {
    fc.assert(
      fc.property(someRules, someResults, fc.constantFrom("g", "d", "f"), (given, kinds, end) => {
        let health: CheckHealth = unknownHealth;
        for (const kind of kinds) health = nextHealth(health, result(kind), given, false);
        const enough = Math.max(given.unhealthyThreshold, given.healthyThreshold + MAX_EXTRA_CHECKS) + 1;
        for (let i = 0; i < enough; i++) health = nextHealth(health, result(end), given, false);
        expect(health.state).toBe(result(end).outcome);
      }),
    );
  });

  it("counts in a row: of each pair of counters one is 0", () => {
    fc.assert(
      fc.property(someRules, someResults, (given, kinds) => {
        let health: CheckHealth = unknownHealth;
        for (const kind of kinds) {
          health = nextHealth(health, result(kind), given, false);
          expect(Math.min(health.failures, health.successes)).toBe(0);
          expect(Math.min(health.good, health.notGood)).toBe(0);
          expect(health.failures + health.successes).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("does not move at all when results alternate", () => {
    expect(changes("gf".repeat(500))).toBe(0);
    expect(changes(`fff${"gf".repeat(500)}`)).toBe(0);
  });

  it("parks a server of which every second check fails by chance", () => {
    const random = seededRandom(4);
    const runs = Array.from({ length: 200 }, () => {
      return changes(Array.from({ length: 720 }, () => (random() < 0.5 ? "g" : "f")).join(""));
    });
    const mean = runs.reduce((a, b) => a + b, 0) / runs.length;
    // An hour at 5 s. Thresholds alone would change the state about 70 times.
    expect(mean).toBeLessThan(20);
    expect(Math.max(...runs)).toBeLessThanOrEqual(2 * (MAX_EXTRA_CHECKS + 6));
  });
});

/** How often the state changes after the first decision. */
function changes(kinds: string): number {
  let health: CheckHealth = unknownHealth;
  let count = 0;
  for (const [index, kind] of [...kinds].entries()) {
    const next = nextHealth(health, result(kind, index), rules, false);
    if (health.state !== "unknown" && next.state !== health.state) count++;
    health = next;
  }
  return count;
}
