import { afterEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "../adapters/system-clock.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { restartDelay } from "./limits.ts";
import { Supervisor } from "./supervisor.ts";

const dataPlane = new URL("./fake-data-plane.fixture.ts", import.meta.url).href;
const running: Supervisor[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((supervisor) => supervisor.close()));
});

function supervise(options: { acknowledgeTimeout?: number; heartbeatTimeout?: number } = {}) {
  const lines: string[] = [];
  const log = (level: string, message: string) => void lines.push(`${level} ${message}`);
  const supervisor = new Supervisor({ workers: 2, maxServers: 8, dataPlane, clock: systemClock, log, ...options });
  running.push(supervisor);
  return { supervisor, lines };
}

/** The fake data plane reads nothing of the configuration but the version and what it is told to do. */
function snapshot(version: number, ...modules: string[]): Snapshot {
  return { version, modules, slots: {}, config: {} as Snapshot["config"] };
}

const versions = (supervisor: Supervisor) => supervisor.workers().map(({ planVersion }) => planVersion);
const states = (supervisor: Supervisor) => supervisor.workers().map(({ state }) => state);

describe("starting", () => {
  it("lets the first worker choose ports, and the others take them", async () => {
    const { supervisor, lines } = supervise();
    expect(await supervisor.start(snapshot(1))).toEqual({ "web/0": 40_000 });
    expect(supervisor.bound).toEqual({ "web/0": 40_000 });
    expect(lines).toContain("debug worker 0 got 1 with {}");
    expect(lines).toContain('debug worker 1 got 1 with {"web/0":40000}');
    expect(versions(supervisor)).toEqual([1, 1]);
    expect(states(supervisor)).toEqual(["running", "running"]);
  });

  it("fails with the reason and its code when a worker cannot", async () => {
    const { supervisor } = supervise();
    await expect(supervisor.start(snapshot(1, "reject:1"))).rejects.toMatchObject({
      message: "address in use",
      code: "EADDRINUSE",
      worker: 1,
    });
    expect(states(supervisor)).toEqual(["stopped", "stopped"]);
  });
});

describe("a new snapshot", () => {
  it("is acknowledged by all", async () => {
    const { supervisor } = supervise();
    await supervisor.start(snapshot(1));
    await supervisor.apply(snapshot(2));
    expect(versions(supervisor)).toEqual([2, 2]);
    expect(supervisor.snapshot?.version).toBe(2);
  });

  it.each([["reject:0"], ["reject:1"]])("leaves the old one everywhere when one refuses it (%s)", async (action) => {
    const { supervisor } = supervise();
    await supervisor.start(snapshot(1));
    await expect(supervisor.apply(snapshot(2, action))).rejects.toThrow("address in use");
    expect(versions(supervisor)).toEqual([1, 1]);
    expect(supervisor.snapshot?.version).toBe(1);
    expect(supervisor.workers().map(({ restarts }) => restarts)).toEqual([0, 0]);
    await supervisor.apply(snapshot(3));
    expect(versions(supervisor)).toEqual([3, 3]);
  });

  it("leaves the old one everywhere when one does not answer, which is replaced", async () => {
    const { supervisor } = supervise({ acknowledgeTimeout: 2000 });
    await supervisor.start(snapshot(1));
    await expect(supervisor.apply(snapshot(2, "hang:1"))).rejects.toThrow("no answer");
    await vi.waitFor(() => expect(states(supervisor)).toEqual(["running", "running"]), 5000);
    expect(versions(supervisor)).toEqual([1, 1]);
    expect(supervisor.workers().map(({ restarts }) => restarts)).toEqual([0, 1]);
  });
});

describe("a worker that dies", () => {
  it("is replaced within a second, and what it had in flight is taken back", async () => {
    const { supervisor, lines } = supervise();
    await supervisor.start(snapshot(1));
    supervisor.scoreboard.begin(0);
    const before = performance.now();
    await supervisor.apply(snapshot(2, "hold:1"));
    expect(supervisor.scoreboard.inFlight(0)).toBe(4);
    // The snapshot that its successor gets makes it crash as well, so the restarts are counted.
    await supervisor.apply(snapshot(3, "crash:1"));
    await vi.waitFor(() => expect(supervisor.workers()[1]!.restarts).toBeGreaterThanOrEqual(2), {
      timeout: 5000,
      interval: 5,
    });
    expect(performance.now() - before).toBeLessThan(4000);
    await supervisor.apply(snapshot(4));
    await vi.waitFor(() => expect(states(supervisor)).toEqual(["running", "running"]), 5000);
    expect(versions(supervisor)).toEqual([4, 4]);
    expect(supervisor.scoreboard.inFlight(0)).toBe(1);
    expect(supervisor.workers()[0]!.restarts).toBe(0);
    expect(lines.some((line) => line.includes("worker 1 died") && line.includes("crashed on purpose"))).toBe(true);
  });

  it("is recognised by its silence", async () => {
    const { supervisor, lines } = supervise({ heartbeatTimeout: 1500 });
    await supervisor.start(snapshot(1));
    await supervisor.apply(snapshot(2, "spin:0"));
    await vi.waitFor(() => expect(supervisor.workers()[0]!.restarts).toBeGreaterThanOrEqual(1), 8000);
    expect(lines.some((line) => line.includes("worker 0 has given no sign of life"))).toBe(true);
    expect(supervisor.workers()[1]!.restarts).toBe(0);
  });

  it("is started at once, then after longer and longer pauses", () => {
    expect([1, 2, 3, 4, 5].map(restartDelay)).toEqual([0, 250, 500, 1000, 2000]);
    expect(restartDelay(100)).toBe(30_000);
  });
});

it("drains all workers, then ends them", async () => {
  const { supervisor, lines } = supervise();
  await supervisor.start(snapshot(1));
  await supervisor.drain(700);
  expect(lines.filter((line) => line.includes("drains for 700"))).toHaveLength(2);
  expect(states(supervisor)).toEqual(["stopped", "stopped"]);
});
