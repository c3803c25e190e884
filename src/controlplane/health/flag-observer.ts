import type { PoolConfig, ServerConfig } from "../../config/schema.ts";
import { serverId } from "../../config/slots.ts";
import type { Snapshot } from "../../config/snapshot.ts";
import type { Clock } from "../../core/clock.ts";
import { takesNewWork } from "../../shared-memory/health-flags.ts";
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
  /** Pools that have fewer ready servers than they need. */
  #failed = new Set<string>();
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
    for (const pool of this.#failed) if (snapshot.config.pools[pool] === undefined) this.#failed.delete(pool);
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
    const { clock, emit } = this.#options;
    const pool = this.#snapshot!.config.pools[name]!;
    const { ready, total } = this.readyServers(name);
    const failed = total > 0 && ready < Math.max(1, pool.minimumHealthy);
    if (failed === this.#failed.has(name)) return;
    if (failed) this.#failed.add(name);
    else this.#failed.delete(name);
    const what = failed ? "pool_failed" : "pool_recovered";
    const reason = `${ready} of ${total} servers ready`;
    emit({ at: clock.wall(), pool: name, server: undefined, what, reason, ready: !failed });
  }

  /** Servers of a pool with a weight, and those of them that take new work. */
  readyServers(name: string): { ready: number; total: number } {
    const snapshot = this.#snapshot;
    let ready = 0;
    let total = 0;
    for (const [index, { weight }] of (snapshot?.config.pools[name]?.servers ?? []).entries()) {
      if (weight === 0) continue;
      total++;
      if (takesNewWork(this.#options.scoreboard.health.flags(snapshot!.slots[name]![index]!))) ready++;
    }
    return { ready, total };
  }
}
