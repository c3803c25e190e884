import { describe, expect, it } from "vitest";
import { findAlgorithm } from "../../core/balancing/registry.ts";
import { DegradationLevel } from "../../core/health/degradation.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import { planOf, webConfig } from "../plan.fixture.ts";
import { testWorker, type TestWorker } from "../worker.fixture.ts";
import { PoolRuntime } from "./pool-runtime.ts";
import { poolConfig } from "./upstream-user.fixture.ts";

/* Which servers of a pool get what, by their states: tiers, panic, slow start, fallback and levels. */

const anybody = { hashKey: 0, isExcluded: () => false };
const { unhealthy, unreachable, draining } = HealthFlag;

function poolOf(pool: Readonly<Record<string, unknown>>, zone?: string) {
  const context = testWorker();
  const config = poolConfig(pool);
  const slots = config.servers.map((_, index) => index);
  const runtime = new PoolRuntime("web", config, slots, findAlgorithm("round_robin")!, context, new Map(), zone);
  const set = (slot: number, flags: number) => context.scoreboard.health.set(slot, flags, context.clock.now());
  const clear = (slot: number, flags: number) => context.scoreboard.health.clear(slot, flags, context.clock.now());
  return { pool: runtime, context, set, clear };
}

/** How many of 300 requests each server gets, by slot. */
function shares(pool: PoolRuntime, requests = 300): number[] {
  const counts = pool.servers.map(() => 0);
  for (let i = 0; i < requests; i++) {
    const server = pool.choose(anybody);
    if (server !== undefined) counts[server.slot]!++;
  }
  return counts;
}

const address = (port: number) => `127.0.0.1:${port}`;

describe("priorities, backups and zones", () => {
  it("give the next priority what the first cannot take", () => {
    const servers = [1, 2, 3].map((port) => ({ address: address(port), priority: port === 3 ? 1 : 0 }));
    const { pool, set } = poolOf({ servers, overprovisioning: 1 });
    expect(shares(pool)).toEqual([150, 150, 0]);
    set(0, unhealthy);
    const [, second, third] = shares(pool);
    expect(second! + third!).toBe(300);
    // Half of the first priority is left.
    expect(Math.abs(second! - 150)).toBeLessThan(40);
    set(1, unhealthy);
    expect(shares(pool)).toEqual([0, 0, 300]);
  });

  it("give a backup something only while nobody else is ready", () => {
    const { pool, set, clear } = poolOf({ servers: [address(1), { address: address(2), backup: true }] });
    expect(shares(pool)).toEqual([300, 0]);
    set(0, unreachable);
    expect(shares(pool)).toEqual([0, 300]);
    clear(0, unreachable);
    expect(shares(pool)).toEqual([300, 0]);
  });

  it("keep requests in the own zone as long as it has enough", () => {
    const servers = [1, 2, 3].map((port) => ({ address: address(port), zone: port === 3 ? "b" : "a" }));
    const { pool, set } = poolOf({ servers }, "a");
    expect(shares(pool)).toEqual([150, 150, 0]);
    set(0, unhealthy);
    set(1, unhealthy);
    expect(shares(pool)).toEqual([0, 0, 300]);
  });

  it("try the next tier when this request has tried all of the first", () => {
    const { pool } = poolOf({ servers: [address(1), { address: address(2), backup: true }] });
    expect(pool.choose({ hashKey: 0, isExcluded: ({ slot }) => slot === 0 })?.slot).toBe(1);
  });
});

describe("too few servers", () => {
  const servers = [1, 2, 3, 4].map(address);

  it("let those be tried that only opinions speak against, below the panic threshold", () => {
    const { pool, set } = poolOf({ servers, panicThreshold: "60%" });
    set(0, unhealthy);
    expect(shares(pool)[0]).toBe(0);
    set(1, unhealthy);
    set(2, unreachable);
    // A quarter is ready; nobody is there at the third.
    const [first, second, third, fourth] = shares(pool);
    expect([first! > 50, second! > 50, third, fourth! > 50]).toEqual([true, true, 0, true]);
  });

  it("get nothing while none is ready, but with failOpen", () => {
    for (const failOpen of [false, true]) {
      const { pool, set } = poolOf({ servers, failOpen });
      for (const slot of [0, 1, 2, 3]) set(slot, unhealthy);
      expect(shares(pool).every((count) => (failOpen ? count > 0 : count === 0))).toBe(true);
      for (const slot of [0, 1, 2, 3]) set(slot, draining);
      expect(shares(pool)).toEqual([0, 0, 0, 0]);
    }
  });

  it("serve less and less, by the share that is ready", () => {
    const { pool, set } = poolOf({ servers, degradation: { full: "70%", reduced: "30%" } });
    const levels = [pool.level];
    for (const slot of [0, 1, 2, 3]) {
      set(slot, unhealthy);
      pool.tick(0);
      levels.push(pool.level);
    }
    const { full, reduced, critical, none } = DegradationLevel;
    expect(levels).toEqual([full, full, reduced, critical, none]);
  });

  it("serve everything with failOpen once none is ready, rather than nothing", () => {
    const { pool, set } = poolOf({ servers, degradation: {}, failOpen: true });
    for (const slot of [0, 1, 2, 3]) set(slot, unhealthy);
    pool.tick(0);
    expect(pool.level).toBe(DegradationLevel.full);
  });
});

function chain() {
  const context = testWorker();
  const base = webConfig([address(1), address(2)], { fallbackPool: "second", minimumHealthy: 2 });
  const pools = {
    ...(base["pools"] as object),
    second: { servers: [address(3)], fallbackPool: "third" },
    third: { servers: [address(4)] },
  };
  const plan = planOf({ ...base, pools }, context);
  const [web, second, third] = ["web", "second", "third"].map((name) => plan.pools.get(name)!);
  return { context, web: web!, second: second!, third: third! };
}

const down = (context: TestWorker, pool: PoolRuntime, index = 0) =>
  context.scoreboard.health.set(pool.servers[index].slot, unhealthy, context.now);

describe("fallback pools", () => {
  it("take over one after the other, and the last one has to do", () => {
    const { context, web, second, third } = chain();
    expect([web.isGuarded, third.isGuarded, web.standIn()]).toEqual([true, false, web]);
    // One of two is fewer than minimumHealthy.
    down(context, web);
    expect(web.standIn()).toBe(second);
    down(context, second);
    expect(web.standIn()).toBe(third);
    down(context, third);
    expect(web.standIn()).toBe(third);
    context.scoreboard.health.clear(web.servers[0].slot, unhealthy, context.now);
    expect(web.standIn()).toBe(web);
  });
});

describe("slow start", () => {
  it("raises the scale of a server that has come back with the ticks, up to its full weight", () => {
    const { pool, context, set, clear } = poolOf({ servers: [1, 2].map(address), slowStart: "10s" });
    expect(pool.servers.map(({ scale }) => scale)).toEqual([1, 1]);
    set(0, unhealthy);
    pool.tick(context.now);
    clear(0, unhealthy);
    const seen: number[] = [];
    for (let passed = 0; passed <= 10_000; passed += 1000) {
      pool.tick(context.now);
      seen.push(pool.servers[0].scale);
      context.advance(1000);
    }
    expect(seen[0]).toBeCloseTo(0.1);
    expect(seen[5]).toBeCloseTo(0.5, 1);
    expect(seen.at(-1)).toBe(1);
    expect(seen.toSorted((a, b) => a - b)).toEqual(seen);
    expect(pool.servers[1].scale).toBe(1);
  });

  it("has nobody held back when all have come back at once", () => {
    const { pool, context, set, clear } = poolOf({ servers: [1, 2].map(address), slowStart: "10s" });
    for (const slot of [0, 1]) set(slot, unhealthy);
    pool.tick(context.now);
    for (const slot of [0, 1]) clear(slot, unhealthy);
    pool.tick(context.now);
    expect(pool.servers.map(({ scale }) => scale)).toEqual([1, 1]);
  });

  it("and a check that calls a server degraded go together", () => {
    const { pool, context, set } = poolOf({ servers: [1, 2].map(address) });
    context.scoreboard.setWeightScale(0, 0.5);
    set(0, HealthFlag.degraded);
    pool.tick(context.now);
    expect(pool.servers.map(({ scale }) => scale)).toEqual([0.5, 1]);
  });
});
