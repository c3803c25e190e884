import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { HammerTask } from "./hammer.fixture.ts";
import { Scoreboard } from "./scoreboard.ts";
import { HealthFlag } from "./health-flags.ts";
import { ServerState } from "./server-state.ts";
import { serverTotals } from "./totals.ts";

function boards(servers = 4, workers = 2) {
  const main = Scoreboard.create({ servers, workers });
  return { main, workers: Array.from({ length: workers }, (_, i) => Scoreboard.attach(main.handle, i)) };
}

describe("counts", () => {
  it("are the same in every thread that is attached", () => {
    const { main, workers } = boards();
    workers[0]!.begin(2);
    workers[1]!.begin(2);
    workers[1]!.connectionOpened(2);
    expect(main.inFlight(2)).toBe(2);
    expect(main.connections(2)).toBe(1);
    workers[0]!.end(2);
    expect(workers[1]!.inFlight(2)).toBe(1);
    expect([main.inFlight(1), main.inFlight(3)]).toEqual([0, 0]);
  });

  it("stop at a limit, and 0 is no limit", () => {
    const { main, workers } = boards();
    expect(workers[0]!.tryBegin(0, 2)).toBe(true);
    expect(workers[1]!.tryBegin(0, 2)).toBe(true);
    expect(workers[0]!.tryBegin(0, 2)).toBe(false);
    expect(main.inFlight(0)).toBe(2);
    expect(workers[0]!.tryBegin(0, 0)).toBe(true);
    expect(workers[0]!.tryOpen(0, 1)).toBe(true);
    expect(workers[1]!.tryOpen(0, 1)).toBe(false);
    workers[0]!.connectionClosed(0);
    expect(workers[1]!.tryOpen(0, 1)).toBe(true);
  });

  it("are exact when two threads work on the same cells", async () => {
    const { main } = boards();
    const rounds = 60_000;
    const max = 7;
    const results = await Promise.all(
      [0, 1].map(async (worker) => {
        const workerData: HammerTask = { handle: main.handle, worker, rounds, max };
        const thread = new Worker(new URL("./hammer.fixture.ts", import.meta.url), { workerData });
        // Both are waited for from the beginning: a thread's last message and its exit can come in one turn.
        const exited = once(thread, "exit");
        const [result] = (await once(thread, "message")) as [{ held: number; over: number }];
        await exited;
        return result;
      }),
    );
    expect(results.map((result) => result.over)).toEqual([0, 0]);
    expect(main.inFlight(0)).toBe(rounds);
    expect(main.inFlight(1)).toBe(results[0]!.held + results[1]!.held);
    expect(main.inFlight(1)).toBeLessThanOrEqual(max);
    expect(main.clients.open(0)).toBe(max);
    const totals = serverTotals(main.handle, 0);
    expect(totals).toMatchObject({
      requests: 2 * rounds,
      errors: rounds / 2,
      bytesIn: 6 * rounds,
      bytesOut: 4 * rounds,
    });
    expect(totals.statuses).toEqual([0, 0, 2 * rounds, 0, 0, 0]);

    main.reclaim(0);
    expect(main.inFlight(0)).toBe(rounds / 2);
    expect(main.inFlight(1)).toBe(results[1]!.held);
    main.reclaim(1);
    expect([main.inFlight(0), main.inFlight(1), main.clients.open(0)]).toEqual([0, 0, 0]);
    // What a worker has done stays counted.
    expect(serverTotals(main.handle, 0).requests).toBe(2 * rounds);
  });

  it("are taken back only from the worker that is dead", () => {
    const { main, workers } = boards();
    workers[0]!.begin(0);
    workers[0]!.connectionOpened(0);
    workers[1]!.begin(0);
    workers[1]!.workers.beat(5);
    workers[0]!.workers.beat(5);
    main.reclaim(0);
    expect([main.inFlight(0), main.connections(0)]).toEqual([1, 0]);
    expect([main.workers.beatAt(0), main.workers.beatAt(1)]).toEqual([0, 5]);
    main.reclaim(0);
    expect(main.inFlight(0)).toBe(1);
  });
});

describe("averages", () => {
  it("say that there is no sample", () => {
    const { main } = boards();
    expect(main.latency(0)).toBeNaN();
    expect(main.peakLatency(0)).toBeNaN();
    expect(main.latencyAt(0)).toBeNaN();
    expect(main.utilisation(0)).toBeNaN();
    expect(main.utilisationAt(0)).toBeNaN();
    expect(main.readySince(0)).toBeNaN();
    expect(main.errorRate(0)).toBe(0);
    expect(main.requestRate(0)).toBe(0);
  });

  it("weigh samples by their age, 1/e per 10 s", () => {
    const { main } = boards();
    main.complete(0, 100, true, 200, 1000);
    expect(main.latency(0)).toBe(100);
    main.complete(0, 10, false, 503, 11_000);
    const kept = Math.exp(-1);
    expect(main.latency(0)).toBeCloseTo((100 * kept + 10) / (kept + 1), 9);
    expect(main.errorRate(0)).toBeCloseTo(1 / (kept + 1), 9);
    expect(main.latencyAt(0)).toBe(11_000);
  });

  it("count all samples of one moment alike", () => {
    const { main } = boards();
    for (const latency of [10, 20, 60]) main.complete(0, latency, true, 200, 1000);
    expect(main.latency(0)).toBeCloseTo(30, 9);
  });

  it("keep the latency where a request had none, and count it as failed", () => {
    const { main } = boards();
    main.complete(0, 40, true, 200, 1000);
    main.complete(0, NaN, false, 0, 2000);
    expect(main.latency(0)).toBeCloseTo(40, 9);
    expect(main.latencyAt(0)).toBe(1000);
    expect(main.errorRate(0)).toBeGreaterThan(0.5);
    expect(serverTotals(main.handle, 0).meanLatency).toBe(40);
  });

  it("jump to a peak at once and decay from it slowly", () => {
    const { main } = boards();
    main.complete(0, 10, true, 200, 1000);
    main.complete(0, 500, true, 200, 1001);
    expect(main.peakLatency(0)).toBe(500);
    main.complete(0, 10, true, 200, 6001);
    const kept = Math.exp(-0.5);
    expect(main.peakLatency(0)).toBeCloseTo(500 * kept + 10 * (1 - kept), 9);
  });

  it("reach the true request rate and let it fall when requests stop", () => {
    const { main } = boards();
    let now = 1000;
    for (let i = 0; i < 20_000; i++) main.complete(0, 1, true, 200, (now += 5));
    expect(main.requestRate(0)).toBeCloseTo(200, 0);
    main.tick(now + 10_000);
    expect(main.requestRate(0)).toBeCloseTo(200 * Math.exp(-1), 0);
  });
});

describe("state", () => {
  it("changes the version that workers compare, and only when it changes", () => {
    const { main, workers } = boards();
    const before = workers[0]!.stateVersion();
    main.health.clear(1, HealthFlag.draining, 10);
    main.setWeightScale(1, 1);
    expect(workers[0]!.stateVersion()).toBe(before);
    main.health.set(1, HealthFlag.draining, 20);
    main.setWeightScale(1, 0.25);
    expect(workers[0]!.stateVersion()).toBe(before + 2);
    expect(workers[0]!.state(1)).toBe(ServerState.draining);
    expect(workers[0]!.weightScale(1)).toBe(0.25);
    main.health.clear(1, HealthFlag.draining, 30);
    expect(workers[0]!.readySince(1)).toBe(30);
  });

  it("begins anew for another server in the slot, but for what is still in flight", () => {
    const { main, workers } = boards();
    workers[0]!.begin(1);
    workers[0]!.complete(1, 5, false, 500, 10);
    workers[0]!.report(1, 0.5, 10);
    workers[0]!.complete(2, 7, true, 200, 10);
    main.health.set(1, HealthFlag.unhealthy, 10);
    main.setWeightScale(1, 0.5);
    main.reset(1, 99);
    expect([main.state(1), main.weightScale(1), main.readySince(1)]).toEqual([ServerState.up, 1, 99]);
    expect([main.latency(1), main.utilisation(1), main.peakLatency(1)]).toEqual([NaN, NaN, NaN]);
    expect(serverTotals(main.handle, 1)).toMatchObject({ requests: 0, errors: 0 });
    expect(main.inFlight(1)).toBe(1);
    expect(main.latency(2)).toBe(7);
    expect(serverTotals(main.handle, 2).requests).toBe(1);
  });

  it("knows only lanes that exist", () => {
    const { main } = boards();
    expect(() => Scoreboard.attach(main.handle, 3)).toThrow(RangeError);
  });
});
