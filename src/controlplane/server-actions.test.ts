import { beforeEach, describe, expect, it } from "vitest";
import type { LoadedConfig } from "../config/load.ts";
import { normaliseConfig } from "../config/normalise.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { flagNames, takesNewWork } from "../shared-memory/health-flags.ts";
import { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { UsableConfig } from "./found-servers.ts";
import { Reconciler } from "./reconciler.ts";
import { drainPhase, DrainWatch } from "./server-actions-drained.ts";
import { findServers, ServerActions, type ServerTarget } from "./server-actions.ts";

const A = "127.0.0.1:9001";
const B = "127.0.0.1:9002";
const extensions = { algorithms, filters: [] };

function loaded(pools: Record<string, unknown>): LoadedConfig {
  const input = { listeners: { web: { listen: "127.0.0.1:0", pool: Object.keys(pools)[0] } }, pools };
  return { ...normaliseConfig(input, { extensions }), modules: [], extensions };
}

const time = { now: 1000 };
const clock = { now: () => time.now, wall: () => time.now };
let scoreboard: Scoreboard;
let reconciler: Reconciler;
let lines: string[];
let actions: ServerActions;
let a: ServerTarget;

beforeEach(async () => {
  time.now = 1000;
  scoreboard = Scoreboard.create({ servers: 8, workers: 1 });
  lines = [];
  let snapshot: Snapshot | undefined;
  const log = (level: string, message: string) => void lines.push(`${level} ${message}`);
  const publisher = { publish: async (next: Snapshot) => void (snapshot = next) };
  reconciler = new Reconciler({ scoreboard, clock, log: () => undefined, publisher });
  await reconciler.start(
    loaded({ web: { servers: [A, B], drainTimeout: "40s" }, api: { servers: [A] } }) as UsableConfig,
  );
  actions = new ServerActions({ scoreboard, clock, log, snapshot: () => snapshot });
  a = findServers(snapshot, A, "web")[0]!;
  return () => {
    actions.close();
    reconciler.close();
  };
});

const flags = ({ slot }: ServerTarget) => flagNames(scoreboard.health.flags(slot));
const until = ({ slot }: ServerTarget) => scoreboard.health.drainUntil(slot);

describe("findServers", () => {
  it("finds a server in each pool that has it, or in the one that is meant", () => {
    const { snapshot } = reconciler;
    expect(findServers(snapshot, A).map(({ pool }) => pool)).toEqual(["web", "api"]);
    expect(findServers(snapshot, A, "api")).toMatchObject([{ pool: "api", id: A, slot: snapshot!.slots["api"]![0] }]);
    expect(findServers(snapshot, B, "api")).toEqual([]);
    expect(findServers(undefined, A)).toEqual([]);
  });
});

describe("ServerActions", () => {
  it("drains until the pool's timeout or another one, and a repetition changes nothing", () => {
    expect(actions.drain(a)).toEqual({ drainUntil: 41_000, warnings: [] });
    expect(flags(a)).toEqual(["draining"]);
    time.now = 5000;
    expect(actions.drain(a).drainUntil).toBe(41_000);
    expect(actions.drain(a, 500).drainUntil).toBe(5500);
    expect(actions.drain(a, 0).drainUntil).toBe(5000);
    expect(scoreboard.health.flags(findServers(reconciler.snapshot, A, "api")[0]!.slot)).toBe(0);
  });

  it("sets the time before the flag, so that whoever sees the flag may rely on it", () => {
    const order: string[] = [];
    const { health } = scoreboard;
    const spied = Object.create(health) as typeof health;
    spied.setDrainUntil = (slot, at) => (order.push("time"), health.setDrainUntil(slot, at));
    spied.update = (slot, set, clear, now) => (order.push("flag"), health.update(slot, set, clear, now));
    spied.flags = (slot) => health.flags(slot);
    spied.drainUntil = (slot) => health.drainUntil(slot);
    const board = Object.create(scoreboard) as Scoreboard;
    Object.defineProperty(board, "health", { value: spied });
    board.inFlight = (slot) => scoreboard.inFlight(slot);
    const own = new ServerActions({
      scoreboard: board,
      clock,
      log: () => undefined,
      snapshot: () => reconciler.snapshot,
    });
    own.drain(a);
    own.resume(a);
    own.close();
    expect(order).toEqual(["time", "flag", "flag", "time"]);
  });

  it("lets the last word count", () => {
    actions.drain(a);
    actions.maintenance(a);
    expect([flags(a), until(a)]).toEqual([["maintenance"], 41_000]);
    actions.auto(a);
    expect(flags(a)).toEqual(["maintenance"]);
    actions.forceUp(a);
    expect([flags(a), until(a)]).toEqual([["forcedUp"], NaN]);
    actions.forceDown(a);
    actions.forceDown(a);
    expect(flags(a)).toEqual(["forcedDown"]);
    actions.auto(a);
    expect(flags(a)).toEqual([]);
    actions.forceUp(a);
    actions.drain(a);
    expect(flags(a)).toEqual(["draining"]);
    actions.resume(a);
    expect([flags(a), until(a)]).toEqual([[], NaN]);
  });

  it("leaves what checks and traffic have found", () => {
    scoreboard.health.set(a.slot, 2 | 8, 0);
    actions.forceUp(a);
    expect(takesNewWork(scoreboard.health.flags(a.slot))).toBe(true);
    actions.resume(a);
    expect(flags(a)).toEqual(["unhealthy", "ejected"]);
  });

  it("kills without a word about new work", () => {
    actions.kill(a);
    expect([scoreboard.health.killEpoch(a.slot), flags(a)]).toEqual([1, []]);
  });

  it("warns when nobody is left", () => {
    const [b] = findServers(reconciler.snapshot, B);
    expect(actions.drain(b!).warnings).toEqual([]);
    const warning = `pool web: no server takes new work without ${A}`;
    expect(actions.maintenance(a).warnings).toEqual([warning]);
    expect(lines).toContain(`warn ${warning}`);
    expect(actions.forceUp(a).warnings).toEqual([]);
  });

  it("lasts over a reload", async () => {
    actions.drain(a);
    const outcome = await reconciler.reload(loaded({ web: { servers: [B, A, "127.0.0.1:9003"] } }));
    expect(outcome.result).toBe("applied");
    const [moved] = findServers(reconciler.snapshot, A);
    expect([moved!.slot, flags(moved!), until(moved!)]).toEqual([a.slot, ["draining"], 41_000]);
  });

  it("says what it does", () => {
    scoreboard.begin(a.slot);
    actions.drain(a, 2500);
    actions.kill(a);
    actions.resume(a);
    actions.resume(a);
    expect(lines).toEqual([
      `info server ${A} of pool web: drain, 1 in flight may take 2.5 s`,
      `info server ${A} of pool web: kill: 1 in flight closed`,
      `info server ${A} of pool web: resume`,
    ]);
  });
});

describe("drainPhase", () => {
  it("goes from the flag to the end of the last request, and unused connections do not count", () => {
    expect(drainPhase(scoreboard, a.slot)).toBe("none");
    scoreboard.begin(a.slot);
    scoreboard.connectionOpened(a.slot);
    actions.maintenance(a);
    expect(drainPhase(scoreboard, a.slot)).toBe("draining");
    scoreboard.end(a.slot);
    expect(drainPhase(scoreboard, a.slot)).toBe("drained");
    actions.resume(a);
    expect(drainPhase(scoreboard, a.slot)).toBe("none");
  });
});

describe("DrainWatch", () => {
  it("says once when a drain has ended, and nothing of one that was called off", () => {
    const watch = new DrainWatch(scoreboard, clock);
    const said: string[] = [];
    const [b] = findServers(reconciler.snapshot, B);
    for (const { slot, id } of [a, b!]) {
      scoreboard.begin(slot);
      scoreboard.health.set(slot, 128, 0);
      watch.watch({ slot, drained: (took) => said.push(`${id} ${took}`) });
    }
    watch.poll();
    expect(said).toEqual([]);
    time.now += 700;
    scoreboard.end(a.slot);
    scoreboard.health.clear(b!.slot, 128, 0);
    watch.poll();
    scoreboard.end(b!.slot);
    watch.poll();
    expect(said).toEqual([`${A} 700`]);
  });
});
