import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { seededRandom } from "../../core/random.ts";
import type { ProbeResult } from "../../core/health/probe.ts";
import { flagNames, HealthFlag } from "../../shared-memory/health-flags.ts";
import { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { clock, failed, good, ScriptedProbe, snapshotOf, stall, virtualTime } from "./health.fixture.ts";
import type { HistoryRecord } from "./history-store.ts";
import { MAX_CONCURRENT_CHECKS } from "./limits.ts";

const check = { type: "script", interval: "5s", unhealthyInterval: "2s", unknownInterval: "500ms", jitter: 0 };
const three = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"];

let probe: ScriptedProbe;
let scoreboard: Scoreboard;
let monitor: HealthMonitor;
let records: HistoryRecord[];

beforeEach(() => {
  vi.useFakeTimers({ ...virtualTime, toFake: [...virtualTime.toFake] });
  start(8);
});

afterEach(() => {
  monitor.close();
  vi.useRealTimers();
});

function start(servers: number): void {
  probe = new ScriptedProbe();
  records = [];
  scoreboard = Scoreboard.create({ servers, workers: 2 });
  monitor = new HealthMonitor({
    scoreboard,
    clock,
    random: seededRandom(1),
    probes: () => [probe.definition],
    changed: () => undefined,
    keep: (record) => records.push(record),
  });
}

function follow(pools: Readonly<Record<string, unknown>>, slots?: Readonly<Record<string, readonly number[]>>): void {
  const snapshot = snapshotOf(pools, [probe.definition], slots);
  monitor.prepare(snapshot);
  monitor.follow(snapshot);
}

const flags = (slot: number) => flagNames(scoreboard.health.flags(slot));
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("a server's checks", () => {
  it("begin at once; the first one decides alone", async () => {
    probe.answers.set("127.0.0.1:2", failed);
    follow({ p: { servers: three, healthCheck: check } });
    await pass(20);
    expect([0, 1, 2].map((slot) => monitor.server(slot)?.state)).toEqual(["healthy", "unhealthy", "healthy"]);
    expect([0, 1, 2].map(flags)).toEqual([[], ["unhealthy"], []]);
  });

  it("come at the interval of the state, whatever the number of workers", async () => {
    follow({ p: { servers: three, healthCheck: check } });
    await pass(60_000);
    const times = probe.times("127.0.0.1:1");
    expect(times.length).toBeGreaterThanOrEqual(12);
    expect(times.length).toBeLessThanOrEqual(14);
    for (const [before, after] of pairs(times.slice(1))) expect(after - before).toBeCloseTo(5_000, -2);
  });

  it("come soon while the server begins to fail, and take it out after the threshold", async () => {
    follow({ p: { servers: three, healthCheck: check } });
    await pass(12_000);
    probe.answers.set("127.0.0.1:1", failed);
    const from = clock.now();
    await pass(6_200);
    expect(flags(0)).toEqual(["unhealthy"]);
    const bad = probe.times("127.0.0.1:1").filter((at) => at > from);
    expect(bad[2]! - bad[0]!).toBeLessThan(1_050);
    probe.answers.set("127.0.0.1:1", good);
    await pass(4_100);
    expect(flags(0)).toEqual([]);
    expect(monitor.server(0)?.checks[0]?.health.lastFailure?.reason).toBe("status 500");
  });

  it("are spread over the interval when there are many", async () => {
    start(1_000);
    const servers = Array.from({ length: 1_000 }, (_, i) => `127.0.0.1:${i + 1}`);
    follow({ p: { servers, healthCheck: { ...check, interval: "2s" } } });
    await pass(520);
    expect(new Set(probe.calls.map(({ target }) => target.server)).size).toBe(1_000);
    await pass(4_000);
    const before = probe.calls.length;
    const perTenth: number[] = [];
    for (let i = 0; i < 20; i++) {
      const already = probe.calls.length;
      await pass(100);
      perTenth.push(probe.calls.length - already);
    }
    expect(probe.calls.length - before).toBeGreaterThan(990);
    expect(probe.calls.length - before).toBeLessThan(1_010);
    expect(Math.max(...perTenth)).toBeLessThan(100);
  });

  it("run at most so many at a time, and all get their turn", async () => {
    start(2_000);
    probe.latency = 300;
    const servers = Array.from({ length: 2_000 }, (_, i) => `127.0.0.1:${i + 1}`);
    follow({ p: { servers, healthCheck: check } });
    await pass(2_000);
    expect(probe.mostRunning).toBe(MAX_CONCURRENT_CHECKS);
    expect(new Set(probe.calls.map(({ target }) => target.server)).size).toBe(2_000);
  });

  it("go to the address of the check, or of the server's checks, where there is one", async () => {
    const servers = ["127.0.0.1:1", { address: "127.0.0.1:2", checkAddress: "127.0.0.1:99" }];
    follow({ p: { servers, healthCheck: [{ ...check, port: 8080 }, { ...check, address: "[::1]:7" }, check] } });
    await pass(20);
    expect(new Set(asked("127.0.0.1:1"))).toEqual(new Set(["127.0.0.1:8080", "::1:7", "127.0.0.1:1"]));
    expect(new Set(asked("127.0.0.1:2"))).toEqual(new Set(["127.0.0.1:99"]));
  });
});

describe("a probe that misbehaves", () => {
  it("is a failed check when it throws or answers nonsense", async () => {
    probe.answers.set("127.0.0.1:1", () => Promise.reject(new Error("a bug")));
    probe.answers.set("127.0.0.1:2", () => Promise.resolve({ outcome: "fine" } as unknown as ProbeResult));
    follow({ p: { servers: three, healthCheck: check } });
    await pass(20);
    expect(monitor.server(0)?.worst?.health.last?.reason).toBe("the check itself failed: a bug");
    expect(monitor.server(1)?.worst?.health.last?.reason).toMatch(/no result with `outcome`/);
    expect([flags(0), flags(1), flags(2)]).toEqual([["unhealthy"], ["unhealthy"], []]);
  });

  it("is ended by the signal, given up when it goes on, and not heard later", async () => {
    const runs: PromiseWithResolvers<ProbeResult>[] = [];
    let aborted = 0;
    probe.answers.set("127.0.0.1:1", ({ signal }) => {
      signal.addEventListener("abort", () => aborted++);
      runs.push(Promise.withResolvers());
      return runs.at(-1)!.promise;
    });
    follow({ p: { servers: three, healthCheck: { ...check, timeout: "1s" } } });
    await pass(2_220);
    expect(aborted).toBe(2);
    expect(flags(0)).toEqual(["unhealthy"]);
    expect(monitor.server(0)?.worst?.health).toMatchObject({
      failures: 2,
      last: { reason: "no result within 1000 ms" },
    });
    for (const run of runs.slice(0, 2)) run.resolve(good);
    await pass(1);
    expect(monitor.server(0)?.worst?.health.failures).toBe(2);
    expect(flags(0)).toEqual(["unhealthy"]);
  });

  it("says at most a short line", async () => {
    probe.answers.set("127.0.0.1:1", { outcome: "unhealthy", reason: `bad\r\nline ${"x".repeat(10_000)}` });
    follow({ p: { servers: three, healthCheck: check } });
    await pass(20);
    const reason = monitor.server(0)?.worst?.health.last?.reason;
    expect(reason).toMatch(/^bad line x+…$/);
    expect(reason).toHaveLength(300);
  });
});

describe("what a result leads to", () => {
  it("lowers the weight of a degraded server and reports its utilisation", async () => {
    probe.answers.set("127.0.0.1:1", { outcome: "degraded", reason: "says so", utilisation: 0.7 });
    follow({ p: { servers: three, healthCheck: { ...check, degradedWeight: "20%" } } });
    await pass(20);
    expect(flags(0)).toEqual(["degraded"]);
    expect(scoreboard.weightScale(0)).toBeCloseTo(0.2);
    expect(scoreboard.utilisation(0)).toBe(0.7);
    probe.answers.delete("127.0.0.1:1");
    await pass(10_100);
    expect(flags(0)).toEqual([]);
    expect(scoreboard.weightScale(0)).toBe(1);
  });

  it("marks a server unreachable only with the decision that it is unhealthy", async () => {
    follow({ p: { servers: three, healthCheck: check } });
    await pass(6_000);
    probe.answers.set("127.0.0.1:1", { outcome: "unhealthy", reason: "refused", unreachable: true });
    while (monitor.server(0)?.worst?.health.failures === 0) await pass(50);
    expect(flags(0)).toEqual([]);
    await pass(1_100);
    expect(flags(0)).toEqual(["unhealthy", "unreachable"]);
  });

  it("brings back the first server with one good check when the pool has none", async () => {
    for (const server of three) probe.answers.set(server, failed);
    follow({ p: { servers: three, healthCheck: check } });
    await pass(5_000);
    expect([0, 1, 2].map(flags)).toEqual([["unhealthy"], ["unhealthy"], ["unhealthy"]]);
    const from = clock.now();
    for (const server of three) probe.answers.set(server, good);
    await pass(2_010);
    const first = [0, 1, 2].filter((slot) => flags(slot).length === 0);
    const once = three.filter((server) => probe.times(server).filter((at) => at >= from).length === 1);
    expect(first.length).toBe(1);
    expect(once.length).toBeGreaterThan(0);
    await pass(2_010);
    expect([0, 1, 2].map(flags)).toEqual([[], [], []]);
  });

  it("keeps every result, and the last hundred per server", async () => {
    follow({ p: { servers: ["127.0.0.1:1"], healthCheck: { ...check, interval: "100ms" } } });
    await pass(15_000);
    expect(records.length).toBeGreaterThan(140);
    expect(records[0]).toMatchObject({ pool: "p", server: "127.0.0.1:1", check: "script", outcome: "healthy" });
    const kept = monitor.server(0)!.history.records("p", "127.0.0.1:1");
    expect(kept).toHaveLength(100);
    expect(kept.map(({ at }) => at)).toEqual(records.slice(-100).map(({ at }) => at));
  });

  it("checks at once what traffic has found, but not without pause", async () => {
    follow({ p: { servers: three, healthCheck: check } });
    await pass(6_000);
    const before = probe.times("127.0.0.1:1").length;
    for (let i = 0; i < 100; i++) monitor.checkNow(0);
    await pass(1);
    expect(probe.times("127.0.0.1:1").length).toBe(before + 1);
    for (let i = 0; i < 100; i++) {
      monitor.checkNow(0);
      await pass(1);
    }
    expect(probe.times("127.0.0.1:1").length).toBeLessThanOrEqual(before + 2);
  });

  it("makes a check again that ended late because this thread stood still", async () => {
    follow({ p: { servers: ["127.0.0.1:1"], healthCheck: { ...check, timeout: "1s" } } });
    await pass(6_000);
    const count = probe.calls.length;
    probe.answers.set("127.0.0.1:1", () => {
      probe.answers.delete("127.0.0.1:1");
      stall.ms += 3_000;
      return Promise.resolve(failed);
    });
    while (probe.calls.length === count) await pass(50);
    await pass(10);
    expect(probe.calls.length).toBe(count + 2);
    expect(monitor.server(0)?.worst?.health.lastFailure).toBeUndefined();
  });
});

describe("a reload", () => {
  it("keeps state and schedule of servers that stay, and checks of removed ones end", async () => {
    probe.answers.set("127.0.0.1:2", failed);
    follow({ p: { servers: three, healthCheck: check } });
    await pass(7_000);
    const count = probe.calls.length;
    follow({ p: { servers: three.slice(0, 2), healthCheck: check } });
    expect(monitor.server(1)?.state).toBe("unhealthy");
    expect(monitor.server(2)).toBeUndefined();
    await pass(400);
    expect(probe.calls.length).toBeLessThanOrEqual(count + 1);
    await pass(10_000);
    expect(probe.times("127.0.0.1:3").filter((at) => at > 7_100 + probe.calls[0]!.at)).toEqual([]);
  });

  it("holds an added server back until its first good check, if others are ready", async () => {
    follow({ p: { servers: three.slice(0, 2), healthCheck: check } });
    await pass(1_000);
    probe.answers.set("127.0.0.1:3", failed);
    follow({ p: { servers: three, healthCheck: check } });
    expect([0, 1, 2].map(flags)).toEqual([[], [], ["unknown"]]);
    await pass(20);
    expect(flags(2)).toEqual(["unhealthy"]);
    probe.answers.delete("127.0.0.1:3");
    await pass(4_200);
    expect(flags(2)).toEqual([]);
  });

  it("does not hold an added server back if no other is ready, or there are no checks", async () => {
    probe.answers.set("127.0.0.1:1", failed);
    follow(
      { p: { servers: three.slice(0, 1), healthCheck: check }, q: { servers: ["127.0.0.1:9"] } },
      { p: [0], q: [5] },
    );
    await pass(100);
    follow(
      { p: { servers: three.slice(0, 2), healthCheck: check }, q: { servers: ["127.0.0.1:9", "127.0.0.1:8"] } },
      { p: [0, 1], q: [5, 6] },
    );
    expect([flags(1), flags(6)]).toEqual([[], []]);
  });

  it("asks anew with other checks, and the old verdict holds until they have answered", async () => {
    probe.answers.set("127.0.0.1:1", failed);
    follow({ p: { servers: three, healthCheck: check } });
    await pass(100);
    probe.answers.delete("127.0.0.1:1");
    follow({ p: { servers: three, healthCheck: { ...check, timeout: "1s" } } });
    expect(monitor.server(0)?.state).toBe("unknown");
    expect(flags(0)).toEqual(["unhealthy"]);
    expect(flags(1)).toEqual([]);
    await pass(20);
    expect(flags(0)).toEqual([]);
  });

  it("forgets what checks said when there are none any more", async () => {
    probe.answers.set("127.0.0.1:1", failed);
    follow({ p: { servers: three, healthCheck: check } });
    await pass(100);
    scoreboard.health.set(0, HealthFlag.ejected, clock.now());
    follow({ p: { servers: three } });
    expect(flags(0)).toEqual(["ejected"]);
    expect(monitor.server(0)).toBeUndefined();
    const count = probe.calls.length;
    await pass(20_000);
    expect(probe.calls.length).toBe(count);
  });
});

function asked(server: string): string[] {
  return probe.calls
    .filter(({ target }) => target.server === server)
    .map(({ target: { address } }) => (address.kind === "tcp" ? `${address.host}:${address.port}` : address.path));
}

function pairs(times: readonly number[]): [number, number][] {
  return times.slice(1).map((time, index) => [times[index]!, time]);
}
