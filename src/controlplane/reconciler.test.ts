import { describe, expect, it } from "vitest";
import type { LoadedConfig } from "../config/load.ts";
import { normaliseConfig } from "../config/normalise.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { UsableConfig } from "./found-servers.ts";
import { Reconciler } from "./reconciler.ts";

const extensions = { algorithms, filters: [] };

/** A loaded configuration with one pool of these servers; `more` replaces what stands beside it. */
function loaded(servers: readonly string[], more: Record<string, unknown> = {}): LoadedConfig {
  const input = { listeners: { web: { listen: "127.0.0.1:0", pool: "p" } }, pools: { p: { servers } }, ...more };
  return { ...normaliseConfig(input, { extensions }), modules: [], extensions };
}

async function started(servers: readonly string[]) {
  const time = { now: 1000 };
  const scoreboard = Scoreboard.create({ servers: 4, workers: 1 });
  const published: Snapshot[] = [];
  const lines: string[] = [];
  const faults: Error[] = [];
  const reconciler = new Reconciler({
    scoreboard,
    clock: { now: () => time.now, wall: () => 0 },
    log: (level, message) => void lines.push(`${level} ${message}`),
    publisher: {
      async publish(snapshot) {
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
        published.push(snapshot);
      },
    },
  });
  await reconciler.start(loaded(servers) as UsableConfig);
  return { reconciler, scoreboard, published, lines, faults, time };
}

const A = "127.0.0.1:9001";
const B = "127.0.0.1:9002";
const C = "127.0.0.1:9003";

describe("a reload", () => {
  it("publishes what has changed and says so line by line", async () => {
    const { reconciler, published, lines } = await started([A, B]);
    const outcome = await reconciler.reload(loaded([A, C]));
    expect(outcome).toMatchObject({ result: "applied", version: 2 });
    expect(outcome.changes).toEqual([`pools.p.servers: + ${C}`, `pools.p.servers: - ${B}`]);
    expect(lines).toContain(`info   pools.p.servers: + ${C}`);
    expect(published.map(({ version }) => version)).toEqual([1, 2]);
    expect(published[1]!.slots["p"]![0]).toBe(published[0]!.slots["p"]![0]);
  });

  it("does nothing when nothing has changed", async () => {
    const { reconciler, published } = await started([A]);
    expect(await reconciler.reload(loaded([A]))).toMatchObject({ result: "unchanged", version: 1 });
    expect(published).toHaveLength(1);
  });

  it("keeps the old configuration when the new one is bad", async () => {
    const { reconciler, published, lines } = await started([A]);
    const outcome = await reconciler.reload(loaded(["nonsense"]));
    expect(outcome.result).toBe("kept");
    expect(outcome.problems.length).toBeGreaterThan(0);
    expect(lines.some((line) => line.startsWith("error kept the old configuration"))).toBe(true);
    expect(published).toHaveLength(1);
    expect(reconciler.snapshot!.version).toBe(1);
  });

  it("keeps the old configuration and its slots when a worker refuses the new one", async () => {
    const { reconciler, published, faults } = await started([A, B]);
    faults.push(new Error("web: the address is in use"));
    const outcome = await reconciler.reload(loaded([C]));
    expect(outcome.result).toBe("kept");
    expect(outcome.problems.map(({ message }) => message)).toEqual(["web: the address is in use"]);
    expect(await reconciler.reload(loaded([A, B], { drainTimeout: "7s" }))).toMatchObject({
      result: "applied",
      version: 2,
    });
    expect(published[1]!.slots).toEqual(published[0]!.slots);
  });

  it("says what needs a restart", async () => {
    const { reconciler } = await started([A]);
    const outcome = await reconciler.reload(loaded([A], { workers: 3, admin: { listen: "127.0.0.1:1" } }));
    expect(outcome.problems.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      "warning workers has changed, which needs a restart",
      "warning admin.listen has changed, which needs a restart",
    ]);
  });

  it("compares what needs a restart with what runs, not with the configuration before", async () => {
    const { reconciler } = await started([A]);
    await reconciler.reload(loaded([A], { workers: 3 }));
    const other = await reconciler.reload(loaded([A, B], { workers: 3 }));
    expect(other.problems.map(({ message }) => message)).toEqual(["workers has changed, which needs a restart"]);
    expect((await reconciler.reload(loaded([A, B]))).problems).toEqual([]);
  });
});

describe("the slot of a removed server", () => {
  it("is free for another one only when nothing is in flight there", async () => {
    const { reconciler, scoreboard, published, time } = await started([A, B, C, "127.0.0.1:9004"]);
    const [, slot] = published[0]!.slots["p"]!;
    scoreboard.begin(slot!);
    await reconciler.reload(loaded([A, C]));
    time.now += 60_000;
    // One of two places is free: that of the server without a request in flight.
    expect(await reconciler.reload(loaded([A, C, "127.0.0.1:9005"]))).toMatchObject({ result: "applied" });
    expect(published.at(-1)!.slots["p"]).not.toContain(slot);
    expect(await reconciler.reload(loaded([A, C, "127.0.0.1:9005", "127.0.0.1:9006"]))).toMatchObject({
      result: "kept",
    });
    scoreboard.end(slot!);
    scoreboard.complete(slot!, 5, true, 200, time.now);
    time.now += 60_000;
    expect(await reconciler.reload(loaded([A, C, "127.0.0.1:9005", "127.0.0.1:9006"]))).toMatchObject({
      result: "applied",
    });
    expect(published.at(-1)!.slots["p"]).toContain(slot);
    // The newcomer begins without the old server's averages.
    expect(scoreboard.latency(slot!)).toBeNaN();
    expect(scoreboard.readySince(slot!)).toBe(time.now);
    reconciler.close();
  });
});
