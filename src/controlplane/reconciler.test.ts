import { describe, expect, it } from "vitest";
import type { LoadedConfig } from "../config/load.ts";
import { normaliseConfig } from "../config/normalise.ts";
import type { Config } from "../config/schema.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { FoundServers, UsableConfig } from "./found-servers.ts";
import { Reconciler } from "./reconciler.ts";

const extensions = { algorithms, filters: [] };

/** A loaded configuration with one pool of these servers; `more` replaces what stands beside it. */
function loaded(servers: readonly string[], more: Record<string, unknown> = {}): LoadedConfig {
  const input = { listeners: { web: { listen: "127.0.0.1:0", pool: "p" } }, pools: { p: { servers } }, ...more };
  return { ...normaliseConfig(input, { extensions }), modules: [], extensions };
}

/** What finds servers, of which a test says which ones it knows. */
class Finder implements FoundServers {
  known: string[] = [];
  refused: Error | undefined;
  readonly settled: UsableConfig[] = [];

  async prepare(): Promise<void> {
    if (this.refused !== undefined) throw this.refused;
  }

  complete({ config }: UsableConfig): Config {
    const found = loaded(this.known).config!.pools.p.servers;
    return { ...config, pools: { p: { ...config.pools.p, servers: [...config.pools.p.servers, ...found] } } };
  }

  settle(settled: UsableConfig): void {
    this.settled.push(settled);
  }
}

async function started(servers: readonly string[], found?: Finder) {
  const time = { now: 1000 };
  const scoreboard = Scoreboard.create({ servers: 4, workers: 1 });
  const published: Snapshot[] = [];
  const lines: string[] = [];
  const faults: Error[] = [];
  const reconciler = new Reconciler({
    scoreboard,
    clock: { now: () => time.now, wall: () => 0 },
    log: (level, message) => void lines.push(`${level} ${message}`),
    found,
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
    const outcome = await reconciler.reload(
      loaded([A], { workers: 3, admin: { listen: "127.0.0.1:1" }, store: "sqlite:x.db" }),
    );
    expect(outcome.problems.map(({ severity, message }) => `${severity} ${message}`)).toEqual([
      "warning workers has changed, which needs a restart",
      "warning store has changed, which needs a restart",
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

const finding = async (...known: string[]) => {
  const finder = new Finder();
  finder.known = known;
  const node = await started([A], finder);
  const addresses = () => node.published.at(-1)!.config.pools.p.servers.map(({ address }) => address);
  return { ...node, finder, addresses };
};

describe("servers that are found", () => {
  it("are in the first snapshot, and not in the configuration that is shown", async () => {
    const { addresses, reconciler } = await finding(B);
    expect(addresses()).toEqual([A, B]);
    expect(reconciler.config!.pools.p.servers.map(({ address }) => address)).toEqual([A]);
  });

  it("make a new snapshot when they change, and only then", async () => {
    const { addresses, reconciler, published, finder, lines } = await finding(B);
    expect(await reconciler.refresh()).toBe(true);
    expect(published).toHaveLength(1);
    finder.known = [C];
    expect(await reconciler.refresh()).toBe(true);
    expect(addresses()).toEqual([A, C]);
    expect(published.at(-1)).toMatchObject({ version: 2 });
    // The server that stays keeps its place.
    expect(published[1]!.slots["p"]![0]).toBe(published[0]!.slots["p"]![0]);
    expect(lines).toEqual([
      "info configuration 2 is in use, for other servers were found",
      `info   pools.p.servers: + ${C}`,
      `info   pools.p.servers: - ${B}`,
    ]);
  });

  it("that a worker refuses leave the old ones in use, which is said once", async () => {
    const { addresses, reconciler, finder, faults, lines } = await finding(B);
    finder.known = [C];
    faults.push(new Error("no room"), new Error("no room"));
    expect([await reconciler.refresh(), await reconciler.refresh()]).toEqual([false, false]);
    expect(addresses()).toEqual([A, B]);
    expect(lines).toEqual(["error the servers that were found cannot be used: no room"]);
    expect(await reconciler.refresh()).toBe(true);
    expect(addresses()).toEqual([A, C]);
  });

  it("that are more than there is room for leave the old ones in use", async () => {
    const { addresses, reconciler, finder } = await finding(B);
    finder.known = [B, C, "127.0.0.1:9004", "127.0.0.1:9005"];
    expect(await reconciler.refresh()).toBe(false);
    expect(addresses()).toEqual([A, B]);
    finder.known = [B, C];
    expect(await reconciler.refresh()).toBe(true);
  });

  it("stay over a reload of something else", async () => {
    const { addresses, reconciler, finder } = await finding(B);
    const next = loaded([A], { drainTimeout: "7s" });
    const { changes } = await reconciler.reload(next);
    expect(changes).toEqual(["drainTimeout: 30000 → 7000"]);
    expect(addresses()).toEqual([A, B]);
    expect(finder.settled.at(-1)!.config.drainTimeout).toBe(7000);
    expect(await reconciler.reload(next)).toMatchObject({ result: "unchanged" });
  });

  it("from a source that does not take its settings keep the old configuration in use", async () => {
    const { addresses, reconciler, finder } = await finding(B);
    finder.refused = new Error("pools.p.discovery: such a name cannot be");
    const outcome = await reconciler.reload(loaded([C]));
    expect(outcome).toMatchObject({ result: "kept" });
    expect(outcome.problems.map(({ message }) => message)).toEqual(["pools.p.discovery: such a name cannot be"]);
    expect(addresses()).toEqual([A, B]);
    expect(finder.settled.at(-1)!.config.pools.p.servers[0]!.address).toBe(A);
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
