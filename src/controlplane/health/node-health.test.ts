import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Address } from "../../config/address.ts";
import { algorithms } from "../../core/balancing/registry.ts";
import { seededRandom } from "../../core/random.ts";
import { setUnreachable } from "../../shared-memory/ejection.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { flagNames, HealthFlag } from "../../shared-memory/health-flags.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { clock, failed, ScriptedProbe, snapshotOf, virtualTime } from "./health.fixture.ts";
import type { HistoryRecord, HistoryStore } from "./history-store.ts";
import { NodeHealth } from "./node-health.ts";

const check = { type: "script", interval: "5s", unhealthyInterval: "2s", unknownInterval: "500ms", jitter: 0 };
const three = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];

let probe: ScriptedProbe;
let scoreboard: Scoreboard;
let health: NodeHealth;
let lines: string[];
/** Ports to which connections can be made, and the attempts. */
let reachable: Set<number>;
let attempts: number[];
let store: HistoryStore | undefined;

beforeEach(() => {
  vi.useFakeTimers({ toFake: [...virtualTime.toFake] });
  probe = new ScriptedProbe();
  scoreboard = Scoreboard.create({ servers: 20, workers: 2 });
  lines = [];
  reachable = new Set();
  attempts = [];
  store = undefined;
});

afterEach(async () => {
  const closed = health.close();
  await vi.advanceTimersByTimeAsync(1_500);
  await closed;
  vi.useRealTimers();
});

function follow(pools: Readonly<Record<string, unknown>>): void {
  health = new NodeHealth({
    scoreboard,
    clock,
    random: seededRandom(1),
    log: (level, message) => lines.push(`${level} ${message}`),
    probes: () => [probe.definition],
    algorithms: () => algorithms,
    store,
    canConnect: (address: Address) => {
      attempts.push(clock.now());
      return Promise.resolve(address.kind === "tcp" && reachable.has(address.port));
    },
  });
  health.follow(snapshotOf(pools, [probe.definition]));
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const events = () => health.events.since(0).map(({ server, what, reason }) => [server, what, reason]);
const flags = (slot: number) => flagNames(scoreboard.health.flags(slot));
const refused = (slot: number) => {
  const now = clock.now();
  setUnreachable({
    health: scoreboard.health,
    slot,
    reason: PassiveReason.refused,
    time: 30_000,
    now,
    random: () => 0.5,
  });
};

describe("events", () => {
  it("tell what checks find, with the reason, and when a pool has failed and come back", async () => {
    follow({ p: { servers: three.slice(0, 2), healthCheck: check } });
    await pass(6_000);
    expect(events()).toEqual([]);
    for (const server of three) probe.answers.set(server, failed);
    await pass(6_500);
    expect(events()).toEqual([
      [expect.any(String), "unhealthy", "status 500"],
      [expect.any(String), "unhealthy", "status 500"],
      [undefined, "pool_failed", "0 of 2 servers ready"],
    ]);
    probe.answers.clear();
    await pass(2_100);
    expect(events().slice(3, 5)).toEqual([
      [expect.any(String), "healthy", undefined],
      [undefined, "pool_recovered", "1 of 2 servers ready"],
    ]);
    expect(lines[0]).toBe(`warn server ${events()[0]![0]!} of pool p: unhealthy (status 500)`);
  });

  it("tell what workers and operators did, within 100 ms", async () => {
    follow({ p: { servers: three, panicThreshold: 0 } });
    scoreboard.health.setReason(1, PassiveReason.consecutiveErrors);
    scoreboard.health.setEjectedUntil(1, clock.now() + 30_000);
    scoreboard.health.set(1, HealthFlag.ejected, clock.now());
    scoreboard.health.set(2, HealthFlag.maintenance, clock.now());
    await pass(100);
    expect(events()).toEqual([
      ["127.0.0.1:2", "ejected", "5 errors in a row"],
      ["127.0.0.1:3", "maintenance", undefined],
    ]);
    expect(health.lastFailure(1)).toMatchObject({ reason: "5 errors in a row" });
    expect(health.lastFailure(2)).toBeUndefined();
    scoreboard.health.clear(1, HealthFlag.ejected, clock.now());
    await pass(100);
    expect(events().at(-1)).toEqual(["127.0.0.1:2", "returned", undefined]);
    expect(health.lastFailure(1)).toMatchObject({ reason: "5 errors in a row" });
  });

  it("tell that servers are used that are not ready, because too few are", async () => {
    const four = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4"];
    follow({ p: { servers: four } });
    for (const slot of [0, 1, 2]) scoreboard.health.set(slot, HealthFlag.unhealthy, clock.now());
    await pass(100);
    expect(events().at(-1)).toEqual([undefined, "pool_panic", expect.stringMatching(/^1 of 4 servers ready: those/)]);
    expect(health.readyServers("p")).toMatchObject({ ready: 1, total: 4, panic: true });
    scoreboard.health.clear(0, HealthFlag.unhealthy, clock.now());
    await pass(100);
    expect(events().at(-1)).toEqual([undefined, "pool_panic_ended", "2 of 4 servers ready"]);
    for (const slot of [0, 1, 2]) scoreboard.health.set(slot, HealthFlag.unreachable, clock.now());
    await pass(100);
    expect(health.readyServers("p")).toMatchObject({ ready: 1, panic: false });
  });

  it("are not made anew by a reload", async () => {
    follow({ p: { servers: three } });
    scoreboard.health.set(0, HealthFlag.maintenance, clock.now());
    await pass(100);
    health.follow(snapshotOf({ p: { servers: three, drainTimeout: "1s" } }, [probe.definition]));
    await pass(1_000);
    expect(events()).toHaveLength(1);
  });
});

describe("a server to which no connection can be made", () => {
  it("is tried after 250 ms, then ever more rarely up to a second, and is back when one succeeds", async () => {
    follow({ p: { servers: three } });
    const from = clock.now();
    refused(0);
    await pass(10_000);
    const pauses = attempts.map((at, i) => at - (attempts[i - 1] ?? from));
    expect(pauses[0]).toBeGreaterThanOrEqual(225);
    expect(pauses[0]).toBeLessThanOrEqual(375);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1_100);
    expect(pauses.at(-1)).toBeGreaterThanOrEqual(900);
    expect(attempts.length).toBeLessThan(16);
    reachable.add(1);
    await pass(1_100);
    expect(flags(0)).toEqual([]);
    expect(events().map(([, what]) => what)).toEqual(["unreachable", "reachable"]);
    const count = attempts.length;
    await pass(5_000);
    expect(attempts.length).toBe(count);
  });

  it("is checked at once when it has checks, and stays out until these are good", async () => {
    follow({ p: { servers: three, healthCheck: check } });
    await pass(6_000);
    const before = probe.times("127.0.0.1:1").length;
    probe.answers.set("127.0.0.1:1", { outcome: "unhealthy", reason: "refused", unreachable: true });
    refused(0);
    await pass(150);
    expect(probe.times("127.0.0.1:1").length).toBeGreaterThan(before);
    await pass(1_500);
    expect(flags(0)).toEqual(["unhealthy", "unreachable"]);
    reachable.add(1);
    probe.answers.delete("127.0.0.1:1");
    await pass(1_200);
    expect(flags(0)).not.toContain("unreachable");
    await pass(3_000);
    expect(flags(0)).toEqual([]);
  });

  it("is no longer tried when it is removed", async () => {
    follow({ p: { servers: three } });
    refused(2);
    await pass(1_000);
    expect(attempts.length).toBeGreaterThan(0);
    health.follow(snapshotOf({ p: { servers: three.slice(0, 2) } }, [probe.definition]));
    const count = attempts.length;
    await pass(5_000);
    expect(attempts.length).toBe(count);
  });
});

/** Six servers that answer 60 requests a second each. */
async function traffic(seconds: number, answer: (slot: number) => { latency: number; ok: boolean }): Promise<void> {
  const board = Scoreboard.attach(scoreboard.handle, 0);
  for (let turn = 0; turn < seconds * 20; turn++) {
    for (let slot = 0; slot < 6; slot++) {
      for (let i = 0; i < 3; i++) {
        const { latency, ok } = answer(slot);
        board.complete(slot, latency, ok, ok ? 200 : 500, clock.now());
      }
    }
    await pass(50);
  }
}

describe("comparing servers with each other", () => {
  const six = Array.from({ length: 6 }, (_, i) => `127.0.0.1:${i + 1}`);

  it("ejects the one that is ten times as slow within a second, and says why", async () => {
    follow({ p: { servers: six } });
    await traffic(5, () => ({ latency: 5, ok: true }));
    expect(events()).toEqual([]);
    await traffic(1.1, (slot) => ({ latency: slot === 3 ? 50 : 5, ok: true }));
    expect(flags(3)).toEqual(["ejected"]);
    expect(events()).toEqual([
      ["127.0.0.1:4", "ejected", expect.stringMatching(/^answers after \d+ ms on average, the/)],
    ]);
    expect(scoreboard.health.ejectedUntil(3) - clock.now()).toBeGreaterThan(25_000);
  });

  it("ejects the one with many errors after an interval, if errors in a row have not", async () => {
    follow({ p: { servers: six } });
    let count = 0;
    await traffic(10.5, (slot) => ({ latency: 5, ok: slot !== 2 || count++ % 3 !== 0 }));
    expect(flags(2)).toEqual(["ejected"]);
    expect(events()[0]).toEqual([
      "127.0.0.1:3",
      "ejected",
      expect.stringMatching(/^success rate 66.\d %, the mean of the pool is 94.\d %$/),
    ]);
  });

  it("leaves slow servers alone where a hash key decides, and all where detection is off", async () => {
    follow({ p: { servers: six, algorithm: "consistent_hash" } });
    await traffic(3, (slot) => ({ latency: slot === 3 ? 80 : 5, ok: true }));
    expect(events()).toEqual([]);
    health.follow(snapshotOf({ p: { servers: six, outlierDetection: "off" } }, [probe.definition]));
    await traffic(12, (slot) => ({ latency: slot === 3 ? 80 : 5, ok: slot !== 2 }));
    expect(events()).toEqual([]);
  });

  it("does not judge a server by what it answers in the moment in which it comes back", async () => {
    follow({ p: { servers: six } });
    await traffic(3, () => ({ latency: 5, ok: true }));
    scoreboard.health.set(3, HealthFlag.unreachable, clock.now());
    await traffic(2, (slot) => ({ latency: slot === 3 ? NaN : 5, ok: true }));
    scoreboard.health.clear(3, HealthFlag.unreachable, clock.now());
    await traffic(0.3, (slot) => ({ latency: slot === 3 ? 4_000 : 5, ok: true }));
    await traffic(10, () => ({ latency: 5, ok: true }));
    expect(events().map(([, what]) => what)).toEqual(["unreachable", "reachable"]);
  });

  it("keeps to the limit of ejections", async () => {
    follow({ p: { servers: six } });
    await traffic(1.5, () => ({ latency: 5, ok: true }));
    await traffic(5, (slot) => ({ latency: slot < 2 ? 90 : 5, ok: true }));
    expect(six.filter((_, slot) => flags(slot).includes("ejected"))).toHaveLength(1);
  });
});

describe("the history", () => {
  it("comes from memory, and from the store when that knows more", async () => {
    const kept: HistoryRecord[] = [];
    const old = { pool: "p", server: "127.0.0.1:1", check: "script", outcome: "healthy", latency: 1 } as const;
    for (let at = 0; at < 50; at++) kept.push({ ...old, at, reason: undefined });
    store = {
      append: (batch) => void kept.push(...batch),
      recent: (_pool, server, limit) => kept.filter((entry) => entry.server === server).slice(-limit),
      close: () => undefined,
    };
    follow({ p: { servers: three, healthCheck: check } });
    await pass(1_100);
    const history = await health.history(0);
    expect(history.length).toBeGreaterThan(50);
    expect(history.at(-1)).toMatchObject({ check: "script", outcome: "healthy" });
    expect(await health.history(19)).toEqual([]);
  });

  it("does not wait for a store that hangs", async () => {
    store = { append: () => undefined, recent: () => new Promise(() => undefined), close: () => undefined };
    follow({ p: { servers: three, healthCheck: check } });
    await pass(1_100);
    const asked = health.history(0);
    await pass(1_100);
    expect((await asked).length).toBeGreaterThan(0);
  });
});
