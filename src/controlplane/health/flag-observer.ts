import type { PoolConfig, ServerConfig } from "../../config/schema.ts";
import { serverId } from "../../config/slots.ts";
import type { Snapshot } from "../../config/snapshot.ts";
import type { TierPlan, TierServer } from "../../core/balancing/tiers.ts";
import type { Clock } from "../../core/clock.ts";
import { takesNewWork } from "../../shared-memory/health-flags.ts";
import { planPool } from "../../shared-memory/pool-plan.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { changesOf, isBad, type HealthChange, type NewHealthEvent } from "./health-event.ts";

/** A server as the observer knows it. */
export interface ObservedServer {
  readonly pool: string;
  readonly poolConfig: PoolConfig;
  readonly config: ServerConfig;
  readonly id: string;
  readonly slot: number;
  /** Its flags when it was looked at last. */
  flags: number;
  /** The latest change for the worse; `at` is ms since 1970. */
  lastFailure: { readonly at: number; readonly reason: string } | undefined;
}

export interface FlagObserverOptions {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  /** Why a server changed so, in one line. */
  readonly reason: (server: ObservedServer, change: HealthChange) => string | undefined;
  readonly emit: (event: NewHealthEvent) => void;
  /** Told after the events of a server, with its flags before; `server.flags` are those after. */
  readonly changed: (server: ObservedServer, before: number) => void;
}

/** Looks at the flags in shared memory, which any thread may change, and makes events of what has changed. */
export class FlagObserver {
  readonly #options: FlagObserverOptions;
  #servers = new Map<number, ObservedServer>();
  #snapshot: Snapshot | undefined;
  /** Each pool's servers, as plans are made of them. */
  #members: ReadonlyMap<string, readonly TierServer[]> = new Map();
  /** Pools that have fewer ready servers than they need; and those that use servers that are not ready, therefore. */
  readonly #failed = new Set<string>();
  readonly #panicking = new Set<string>();
  /** Pools of which a server has begun or ceased to take new work since the last tick. */
  readonly #touched = new Set<string>();
  #version = -1;

  constructor(options: FlagObserverOptions) {
    this.#options = options;
  }

  /** The servers that are looked at, by slot. */
  get servers(): ReadonlyMap<number, ObservedServer> {
    return this.#servers;
  }

  /** Looks at the servers of this snapshot from now on. New ones start with the flags that they have. */
  follow(snapshot: Snapshot): void {
    const { health } = this.#options.scoreboard;
    const servers = new Map<number, ObservedServer>();
    for (const [pool, poolConfig] of Object.entries(snapshot.config.pools)) {
      for (const [index, config] of poolConfig.servers.entries()) {
        const slot = snapshot.slots[pool]![index]!;
        const id = serverId(config);
        const known = this.#servers.get(slot);
        const same = known?.pool === pool && known.id === id;
        const flags = same ? known.flags : health.flags(slot);
        const lastFailure = same ? known.lastFailure : undefined;
        servers.set(slot, { pool, poolConfig, config, id, slot, flags, lastFailure });
      }
    }
    const isNew = (pool: string) => this.#snapshot?.config.pools[pool] === undefined;
    this.#servers = servers;
    this.#snapshot = snapshot;
    const members = ([pool, { servers: list }]: [string, PoolConfig]): [string, TierServer[]] => [
      pool,
      list.map((config, index) => {
        return { ...config, id: serverId(config), slot: snapshot.slots[pool]![index]!, scale: 1 };
      }),
    ];
    this.#members = new Map(Object.entries(snapshot.config.pools).map(members));
    for (const pools of [this.#failed, this.#panicking])
      for (const pool of pools) if (snapshot.config.pools[pool] === undefined) pools.delete(pool);
    this.#touched.clear();
    for (const pool of Object.keys(snapshot.config.pools)) if (!isNew(pool)) this.#lookAtPool(pool);
    this.#version = -1;
  }

  /** Looks at all servers if anything has changed since the last time, and then at the pools of those that changed. */
  tick(): void {
    const version = this.#options.scoreboard.stateVersion();
    if (version !== this.#version) {
      this.#version = version;
      for (const server of this.#servers.values()) this.#look(server);
    }
    for (const pool of this.#touched) this.#lookAtPool(pool);
    this.#touched.clear();
  }

  /** Looks at one server now; at its pool with the next tick, for a thousand may change at once. */
  look(slot: number): void {
    const server = this.#servers.get(slot);
    if (server !== undefined) this.#look(server);
  }

  #look(server: ObservedServer): void {
    const { scoreboard, clock, reason, emit, changed } = this.#options;
    const before = server.flags;
    const after = scoreboard.health.flags(server.slot);
    if (before === after) return;
    server.flags = after;
    const { pool, id } = server;
    for (const what of changesOf(before, after)) {
      const why = reason(server, what);
      if (isBad(what)) server.lastFailure = { at: clock.wall(), reason: why ?? what.replaceAll("_", " ") };
      emit({ at: clock.wall(), pool, server: id, what, reason: why, ready: takesNewWork(after) });
    }
    changed(server, before);
    if (takesNewWork(before) !== takesNewWork(after)) this.#touched.add(pool);
  }

  #lookAtPool(name: string): void {
    const { minimumHealthy } = this.#snapshot!.config.pools[name]!;
    const { ready, total, panic } = this.plan(name);
    const failed = total > 0 && ready < Math.max(1, minimumHealthy);
    const counts = `${ready} of ${total} servers ready`;
    this.#noteAbout(name, this.#failed, failed, failed ? "pool_failed" : "pool_recovered", counts, !failed);
    const reason = panic ? `${counts}: those that only checks or errors speak against are used as well` : counts;
    // That nobody is left to be tried is said above, and is no end to be glad of.
    if (ready === 0 && !panic) this.#panicking.delete(name);
    this.#noteAbout(name, this.#panicking, panic, panic ? "pool_panic" : "pool_panic_ended", reason, !failed);
  }

  #noteAbout(
    pool: string,
    pools: Set<string>,
    isIn: boolean,
    what: HealthChange,
    reason: string,
    ready: boolean,
  ): void {
    if (isIn === pools.has(pool)) return;
    if (isIn) pools.add(pool);
    else pools.delete(pool);
    const { clock, emit } = this.#options;
    emit({ at: clock.wall(), pool, server: undefined, what, reason, ready });
  }

  /** How the workers divide a pool's requests now: servers with a weight, those that take new work, and panic. */
  plan(name: string): Pick<TierPlan, "ready" | "total" | "panic"> {
    const pool = this.#snapshot?.config.pools[name];
    if (pool === undefined) return { ready: 0, total: 0, panic: false };
    const config = { ...pool, zone: this.#snapshot!.config.zone };
    return planPool(0, this.#members.get(name)!, this.#options.scoreboard.health, config);
  }
}
