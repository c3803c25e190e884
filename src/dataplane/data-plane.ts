import { randomBytes } from "node:crypto";
import { loadModules } from "../config/modules.ts";
import type { Snapshot } from "../config/snapshot.ts";
import { NO_TLS_MATERIAL, type PoolTlsMaterial, type TlsMaterial } from "../config/tls-material.ts";
import type { Clock } from "../core/clock.ts";
import { errors } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import { HealthFlag } from "../shared-memory/health-flags.ts";
import type { Scoreboard } from "../shared-memory/scoreboard.ts";
import type { BoundListener } from "./bound-listener.ts";
import { ExchangePool } from "./http/exchange-pool.ts";
import { TUNNEL_CLOSE_GRACE } from "./http/tunnel.ts";
import { canFollow, listenerFor } from "./listeners.ts";
import { compilePlan, type Plan } from "./plan.ts";
import { Movables } from "./rebalance/movable.ts";
import { TimerWheel } from "./timer-wheel.ts";
import { tryTlsHandles } from "./tls/tls-trial.ts";
import type { PoolRuntime } from "./upstream/pool-runtime.ts";
import type { ServerConnections } from "./upstream/server-connections.ts";
import { requestIds, TICK, type WorkerContext } from "./worker-context.ts";

/** What a worker's data plane is made with. */
export interface DataPlaneOptions {
  readonly worker: number;
  readonly workers: number;
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
  /** A client asked for a name for which there is no certificate, but may be one (ACME on demand). */
  wanted?(listener: string, name: string): void;
}

/** How often connections that are kept ahead of need are counted, in ms. A server that is down is not asked more often. */
const PREWARM_INTERVAL = 1000;

/** Flags of servers whose connections have an end in time. */
const LEAVING = HealthFlag.draining | HealthFlag.maintenance;

/** One worker's data plane: listens, routes, balances and relays, by the last snapshot that it was given. */
export class DataPlane {
  readonly #context: WorkerContext;
  readonly #exchanges: ExchangePool;
  readonly #ticker: NodeJS.Timeout;
  #plan: Plan | null = null;
  tls: TlsMaterial = NO_TLS_MATERIAL;
  /** By listener name and index of the address. */
  readonly #listeners = new Map<string, { listener: BoundListener; address: string }>();
  /** Listeners that are gone from the configuration, with connections that are not over yet. */
  readonly #retired = new Set<BoundListener>();

  constructor(options: DataPlaneOptions) {
    const { clock } = options;
    const wheel = new TimerWheel(clock.now(), TICK);
    const context: WorkerContext = {
      worker: options.worker,
      workers: options.workers,
      scoreboard: options.scoreboard,
      clock,
      random: seededRandom(randomBytes(4).readInt32LE()),
      wheel,
      movables: new Movables(),
      tls: this.tls,
      ...(options.wanted !== undefined && { wanted: options.wanted }),
      log: options.log,
      now: clock.now(),
      draining: false,
      challenges: null,
      requestId: requestIds(randomBytes(9).toString("base64url")),
    };
    this.#context = context;
    this.#exchanges = new ExchangePool(context);
    // A bug ends what it met with, not the worker and all of its connections.
    const onBug = (error: unknown) =>
      options.log("error", `deadline: ${error instanceof Error ? error.stack : String(error)}`);
    this.#ticker = setInterval(() => {
      context.now = clock.now();
      wheel.advance(context.now, onBug);
      try {
        this.#tickServers();
      } catch (error) {
        onBug(error);
      }
    }, TICK);
  }

  /** Draining servers, as of that version of the states. */
  #closing: readonly ServerConnections[] = [];
  #states = -1;
  /** Pools of earlier plans in which requests still wait for a place. */
  readonly #replaced = new Set<PoolRuntime>();
  #connections: readonly ServerConnections[] = [];
  /** Those of pools with `prewarm`. */
  #prewarmed: readonly ServerConnections[] = [];
  #wishes = 0;
  #prewarmAt = 0;
  #tickServers(): void {
    for (const pool of this.#plan?.pools.values() ?? []) pool.tick(this.#context.now);
    for (const pool of this.#replaced) {
      pool.queue.advance();
      if (pool.queue.length === 0) this.#replaced.delete(pool);
    }
    this.#endConnections();
    if (this.#context.now >= this.#prewarmAt) {
      this.#prewarmAt = this.#context.now + PREWARM_INTERVAL;
      for (const connections of this.#prewarmed) connections.prewarm();
    }
    const version = this.#context.scoreboard.wantedVersion();
    // Nobody waits for a connection anywhere: the usual case.
    if (version === this.#wishes) return;
    this.#wishes = version;
    for (const connections of this.#connections) connections.tick(true);
  }

  /** Ends connections to servers that an operator had killed, or whose time to drain is over. */
  #endConnections(): void {
    const { scoreboard, now } = this.#context;
    const { health } = scoreboard;
    const version = scoreboard.stateVersion();
    if (version !== this.#states) {
      this.#states = version;
      for (const connections of this.#connections) connections.followKills();
      this.#closing = this.#connections.filter(({ slot }) => (health.flags(slot) & LEAVING) !== 0);
    }
    for (const connections of this.#closing) if (now >= health.drainUntil(connections.slot)) connections.end();
  }

  /**
   * Takes a snapshot into use: imports its modules, compiles it, binds new addresses, and swaps; addresses that are gone
   * are given up. On an error everything stays as it was, and the promise rejects.
   *
   * @param bound ports that listeners with port 0 got in another worker, keyed `${listener}/${index of the address}`
   * @returns `bound`, completed
   */
  async apply(snapshot: Snapshot, bound: Record<string, number>): Promise<Record<string, number>> {
    const extensions = await loadModules(snapshot.modules, "/");
    const plan = compilePlan(snapshot, extensions, this.#context, this.#plan);
    for (const [name, pool] of plan.pools) pool.setTlsMaterial(poolMaterial(this.tls, name));
    if (usesTls(plan)) await tryTlsHandles();
    const ports = { ...bound };
    const added = new Map<string, { listener: BoundListener; address: string }>();
    /** Listeners that go on, by their new keys: renamed ones are found by their address, which cannot be bound twice. */
    const kept = new Map<string, { listener: BoundListener; address: string }>();
    const left = new Map(this.#listeners);
    const wanted = [...plan.listeners].flatMap(([name, { config }]) =>
      config.listen.map((address, index) => ({ name, key: `${name}/${index}`, address })),
    );
    for (const { name, key, address } of wanted) {
      const entry = left.get(key);
      if (entry?.address !== address || !canFollow(entry.listener, plan.listeners.get(name)!)) continue;
      kept.set(key, entry);
      left.delete(key);
    }
    try {
      for (const { name, key, address } of wanted) {
        if (kept.has(key)) continue;
        const listenerPlan = plan.listeners.get(name)!;
        const renamed = [...left].find(
          ([, entry]) =>
            entry.address === address && !address.endsWith(":0") && canFollow(entry.listener, listenerPlan),
        );
        if (renamed !== undefined) {
          kept.set(key, renamed[1]);
          left.delete(renamed[0]);
          continue;
        }
        // A path can be bound once only, so a unix socket is the first worker's.
        if (address.startsWith("unix:") && this.#context.worker !== 0) continue;
        const listener = listenerFor(listenerPlan, this.#context, this.#exchanges);
        added.set(key, { listener, address });
        ports[key] = await listener.listen(address, ports[key] ?? 0);
      }
    } catch (error) {
      for (const { listener } of added.values()) listener.stop();
      throw error;
    }
    this.#listeners.clear();
    for (const [key, entry] of kept) {
      entry.listener.follow(plan.listeners.get(key.slice(0, key.lastIndexOf("/")))!);
      this.#listeners.set(key, entry);
    }
    for (const { listener } of left.values()) this.#retire(listener);
    for (const [key, entry] of added) this.#listeners.set(key, entry);
    const before = this.#plan;
    this.#plan = plan;
    if (before !== null) this.#retireServers(before, plan);
    for (const [name, pool] of before?.pools ?? [])
      if (plan.pools.get(name) !== pool && pool.queue.length !== 0) this.#replaced.add(pool);
    this.#connections = [...plan.pools.values()].flatMap((pool) => pool.servers.map((server) => server.connections));
    this.#states = -1;
    this.#prewarmed = this.#connections.filter((connections) => connections.config.prewarm > 0);
    for (const key of Object.keys(ports)) if (!this.#listeners.has(key)) delete ports[key];
    for (const [key, { listener }] of this.#listeners) ports[key] ??= Number(listener.portText);
    return ports;
  }

  /** Takes certificates and all else that TLS needs into use, for handshakes from now on. Comes before the first snapshot. */
  setTlsMaterial(material: TlsMaterial): void {
    this.tls = this.#context.tls = material;
    for (const { listener } of this.#listeners.values()) listener.materialChanged();
    for (const [name, pool] of this.#plan?.pools ?? []) pool.setTlsMaterial(poolMaterial(material, name));
    const { httpChallenges } = material;
    this.#context.challenges = Object.keys(httpChallenges).length === 0 ? null : httpChallenges;
  }

  #retire(listener: BoundListener): void {
    listener.retired = true;
    listener.stop();
    listener.drain();
    for (const old of this.#retired) if (old.connections === 0) this.#retired.delete(old);
    if (listener.connections > 0) this.#retired.add(listener);
  }

  /** Servers that are gone finish what they have, for as long as their pool's drain time allows. */
  #retireServers(before: Plan, after: Plan): void {
    const used = new Set([...after.pools.values()].flatMap((pool) => pool.servers.map((server) => server.connections)));
    for (const pool of before.pools.values()) {
      for (const { connections } of pool.servers) {
        if (used.has(connections)) continue;
        connections.retire();
        if (connections.size > 0) setTimeout(() => connections.end(), pool.config.drainTimeout).unref();
      }
    }
  }

  /**
   * Stops accepting, ends idle connections and lets the others finish. Tunnels are told to end a little before the time
   * (ms) is over. Resolves when none is left, or when the time is over and the rest was cut.
   */
  async drain(timeout: number): Promise<void> {
    this.#context.draining = true;
    const all = [...[...this.#listeners.values()].map((entry) => entry.listener), ...this.#retired];
    for (const listener of all) {
      listener.stop();
      listener.drain();
    }
    const end = this.#context.clock.now() + timeout;
    const tunnelsEnd = end - Math.min(TUNNEL_CLOSE_GRACE, timeout / 2);
    while (all.some((listener) => listener.connections > 0)) {
      const now = this.#context.clock.now();
      if (now >= tunnelsEnd) for (const listener of all) listener.closeTunnels();
      if (now >= end) {
        for (const listener of all) listener.cut();
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, TICK));
    }
    this.close();
  }

  /** Ends everything at once. */
  close(): void {
    clearInterval(this.#ticker);
    for (const { listener } of this.#listeners.values()) {
      listener.stop();
      listener.cut();
    }
    for (const pool of this.#plan?.pools.values() ?? [])
      for (const server of pool.servers) server.connections.destroy(errors.shuttingDown);
  }
}

function usesTls(plan: Plan): boolean {
  return (
    [...plan.listeners.values()].some(({ config }) => config.tls !== undefined) ||
    [...plan.pools.values()].some(({ config }) => config.upstream.tls !== false)
  );
}

/** A pool may have the name of a member that every object has. */
function poolMaterial({ pools }: TlsMaterial, name: string): PoolTlsMaterial | undefined {
  return Object.hasOwn(pools, name) ? pools[name] : undefined;
}
