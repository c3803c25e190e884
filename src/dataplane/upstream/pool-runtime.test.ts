import { describe, expect, it } from "vitest";
import type { BalancingAlgorithm, Outcome, ServerSet } from "../../core/balancing/balancer.ts";
import { findAlgorithm } from "../../core/balancing/registry.ts";
import { testWorker } from "../worker.fixture.ts";
import { connectionKey, PoolRuntime } from "./pool-runtime.ts";
import type { ServerConnections } from "./server-connections.ts";
import { poolConfig } from "./upstream-user.fixture.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";

const anybody = { hashKey: 0, isExcluded: () => false };

function poolOf(
  algorithm: BalancingAlgorithm | string,
  previous = new Map<string, ServerConnections>(),
  context = testWorker(),
) {
  const servers = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];
  const named = typeof algorithm === "string";
  const config = poolConfig({ servers, ...(named && { algorithm }) });
  const found = named ? findAlgorithm(algorithm)! : algorithm;
  return { pool: new PoolRuntime("web", config, [4, 5, 6], found, context, previous, undefined), context };
}

/** An algorithm that takes the first ready server, and takes down what it is told. */
function recorder(outcomes: boolean) {
  const sets: ServerSet[] = [];
  const told: Outcome[] = [];
  const algorithm = {
    name: "round_robin",
    summary: "",
    schema: {},
    usesHashKey: false,
    create: () => ({
      choose: () => sets.at(-1)!.ready[0],
      update: (set: ServerSet) => void sets.push(set),
      ...(outcomes && { onComplete: (_: unknown, outcome: Outcome) => void told.push(outcome) }),
    }),
  } as unknown as BalancingAlgorithm;
  return { algorithm, sets, told };
}

describe("PoolRuntime", () => {
  it("gives the servers their slots and chooses among them", () => {
    const { pool } = poolOf("round_robin");
    expect(pool.servers.map(({ id, slot }) => [id, slot])).toEqual([
      ["127.0.0.1:1", 4],
      ["127.0.0.1:2", 5],
      ["127.0.0.1:3", 6],
    ]);
    const chosen = Array.from({ length: 6 }, () => pool.choose(anybody)!.id);
    expect(new Set(chosen).size).toBe(3);
  });

  it("tells the balancer of a change of states before the next choice, and only then", () => {
    const { algorithm, sets } = recorder(false);
    const { pool, context } = poolOf(algorithm);
    pool.choose(anybody);
    expect(sets).toHaveLength(1);
    context.scoreboard.health.set(4, HealthFlag.maintenance, context.now);
    expect(pool.choose(anybody)!.slot).toBe(5);
    pool.choose(anybody);
    expect(sets.map((set) => set.ready.map(({ slot }) => slot))).toEqual([
      [4, 5, 6],
      [5, 6],
    ]);
    expect(sets[1].version).toBeGreaterThan(sets[0].version);
    for (const slot of [5, 6]) context.scoreboard.health.set(slot, HealthFlag.maintenance, context.now);
    expect(pool.choose(anybody)).toBeUndefined();
    context.scoreboard.health.clear(6, HealthFlag.maintenance, context.now);
    expect(pool.choose(anybody)!.slot).toBe(6);
  });

  it("tells the balancer how an exchange ended, if it wants to know", () => {
    for (const wants of [true, false]) {
      const { algorithm, told } = recorder(wants);
      const { pool } = poolOf(algorithm);
      pool.complete(pool.servers[0], 12, true, 200);
      expect(told).toEqual(wants ? [{ latency: 12, success: true, status: 200 }] : []);
    }
  });

  it("computes keys and reads reports for the algorithms that use them", () => {
    expect([poolOf("ip_hash").pool.hashKey === null, poolOf("round_robin").pool.hashKey]).toEqual([false, null]);
    expect([poolOf("resource_based").pool.readsReports, poolOf("round_robin").pool.readsReports]).toEqual([
      true,
      false,
    ]);
  });

  it("takes over connections of servers that kept slot and address", () => {
    const { pool: before, context } = poolOf("round_robin");
    const kept = before.servers[1].connections;
    const { pool } = poolOf(
      "random",
      new Map([
        [connectionKey(5, "127.0.0.1:2"), kept],
        [connectionKey(6, "127.0.0.1:9"), kept],
      ]),
      context,
    );
    expect(pool.servers.map(({ connections }) => connections === kept)).toEqual([false, true, false]);
  });
});
