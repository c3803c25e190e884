import { parseServerAddress } from "../../config/address.ts";
import type { Snapshot } from "../../config/snapshot.ts";
import type { BalancingAlgorithm } from "../../core/balancing/balancer.ts";
import type { Clock } from "../../core/clock.ts";
import type { ProbeDefinition } from "../../core/health/probe.ts";
import type { Random } from "../../core/random.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { setUnreachable } from "../../shared-memory/ejection.ts";
import { HealthFlag } from "../../shared-memory/health-flags.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import type { Log } from "../log.ts";
import { EventLines } from "./event-lines.ts";
import { EventLog } from "./event-log.ts";
import { FlagObserver, type ObservedServer } from "./flag-observer.ts";
import type { HealthChange } from "./health-event.ts";
import { HealthMonitor } from "./health-monitor.ts";
import { HistoryQueue } from "./history-queue.ts";
import type { HistoryRecord, HistoryStore } from "./history-store.ts";
import { HISTORY_PER_SERVER, OBSERVE_INTERVAL } from "./limits.ts";
import { OutlierMonitor } from "./outlier-monitor.ts";
import { passiveReasonText } from "./passive-reason.ts";
import { RecoveryProbes } from "./recovery-probes.ts";
import { canConnect } from "./tcp-connect.ts";

export interface NodeHealthOptions {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The health checks that there are at the moment. */
  readonly probes: () => readonly ProbeDefinition[];
  /** The balancing algorithms that there are at the moment. */
  readonly algorithms: () => readonly BalancingAlgorithm[];
  /** Where the history is kept beyond this process; in memory only when absent. */
  readonly store?: HistoryStore | undefined;
  /** How to find out whether a connection can be made; the network by default. */
  readonly canConnect?: typeof canConnect;
}

const { unreachable, ejected, breakerOpen } = HealthFlag;
/** How long what was kept is waited for, in ms; then what this process has seen must do. */
const STORE_PATIENCE = 1_000;
/** How long a connection to a server that was just ejected may take to be made, in ms. */
const LIFE_TIMEOUT = 1_000;
/** Reasons that come from comparing servers with each other. */
const statistical: ReadonlySet<PassiveReason> = new Set([
  PassiveReason.successRate,
  PassiveReason.failurePercentage,
  PassiveReason.latency,
]);

/**
 * All that the main thread does about the health of servers: active checks, attempts to reach those that are gone, and
 * events of every change, whoever made it.
 */
export class NodeHealth {
  readonly events = new EventLog();
  readonly #options: NodeHealthOptions;
  readonly #monitor: HealthMonitor;
  readonly #observer: FlagObserver;
  readonly #recovery: RecoveryProbes;
  readonly #outliers: OutlierMonitor;
  readonly #history: HistoryQueue | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: NodeHealthOptions) {
    const { scoreboard, clock, random, log, probes, store } = options;
    const lines = new EventLines(clock, log);
    this.#options = options;
    this.#history = store === undefined ? undefined : new HistoryQueue(store, log);
    this.#monitor = new HealthMonitor({
      scoreboard,
      clock,
      random,
      probes,
      changed: (slot) => this.#checked(slot),
      keep: (record) => this.#history?.add(record),
    });
    this.#observer = new FlagObserver({
      scoreboard,
      clock,
      reason: (server, change) => this.#reason(server, change),
      emit: (event) => {
        this.events.add(event);
        lines.write(event);
      },
      changed: (server, before) => this.#changed(server, before),
    });
    this.#recovery = new RecoveryProbes({
      scoreboard,
      clock,
      random,
      canConnect: options.canConnect ?? canConnect,
      isNeeded: (slot) => {
        const server = this.#observer.servers.get(slot);
        return server !== undefined && this.readyServers(server.pool).ready === 0;
      },
      reachable: (slot) => this.#observer.look(slot),
    });
    this.#outliers = new OutlierMonitor({ scoreboard, clock, random, algorithms: options.algorithms });
    this.#timer = setInterval(() => {
      this.#guarded(() => {
        this.#outliers.tick();
        this.#observer.tick();
        lines.tick();
      });
    }, OBSERVE_INTERVAL);
    this.#timer.unref();
  }

  /** To be called before workers get a snapshot: servers that it adds wait for their first check. */
  prepare(snapshot: Snapshot): void {
    this.#guarded(() => this.#monitor.prepare(snapshot));
  }

  /** To be called when a snapshot is in use: its servers are checked and watched from now on. */
  follow(snapshot: Snapshot): void {
    const before = [...this.#observer.servers.keys()];
    this.#guarded(() => {
      this.#observer.follow(snapshot);
      this.#monitor.follow(snapshot);
      this.#outliers.follow(snapshot);
      for (const slot of before) if (!this.#observer.servers.has(slot)) this.#recovery.stop(slot);
      for (const server of this.#observer.servers.values()) this.#watch(server);
    });
  }

  /** What active checks know about the server in a slot; undefined when it has none. */
  checked(slot: number): ReturnType<HealthMonitor["server"]> {
    return this.#monitor.server(slot);
  }

  /** Why traffic spoke against the server last, in words. */
  passiveReason(slot: number): string | undefined {
    const server = this.#observer.servers.get(slot);
    if (server === undefined) return undefined;
    const reason = this.#options.scoreboard.health.reason(slot);
    const compared = statistical.has(reason) ? this.#outliers.finding(slot) : undefined;
    return compared ?? passiveReasonText(reason, server.poolConfig);
  }

  /** Why no connection can be made to the server. A check that found nobody sets the flag as well, and knows better. */
  unreachableReason(slot: number): string | undefined {
    const found = this.#monitor.server(slot)?.checks.find(({ nobodyThere }) => nobodyThere);
    return found?.health.last?.reason ?? this.passiveReason(slot);
  }

  /** The latest failure of the server, by its checks or by its traffic, however long ago. `at` is ms since 1970. */
  lastFailure(slot: number): { readonly at: number; readonly reason: string } | undefined {
    let latest = this.#observer.servers.get(slot)?.lastFailure;
    for (const { health } of this.#monitor.server(slot)?.checks ?? []) {
      const { at, reason } = health.lastFailure ?? {};
      if (at !== undefined && (latest === undefined || at >= latest.at)) latest = { at, reason: reason ?? "failed" };
    }
    return latest;
  }

  /** Whether the pool of the server has circuit breakers. */
  hasBreaker(slot: number): boolean {
    return (this.#observer.servers.get(slot)?.poolConfig.circuitBreaker ?? false) !== false;
  }

  /** Servers of a pool with a weight, those of them that take new work, and whether others are used as well. */
  readyServers(pool: string): { readonly ready: number; readonly total: number; readonly panic: boolean } {
    return this.#observer.plan(pool);
  }

  /** The latest results of a server's checks, the oldest first; from the store when this process has not seen as many. */
  async history(slot: number): Promise<readonly HistoryRecord[]> {
    const server = this.#observer.servers.get(slot);
    if (server === undefined) return [];
    const own = this.#monitor.server(slot)?.history.records(server.pool, server.id) ?? [];
    const { store } = this.#options;
    if (own.length >= HISTORY_PER_SERVER || store === undefined) return own;
    const asked = this.#history!.flush().then(() => store.recent(server.pool, server.id, HISTORY_PER_SERVER));
    try {
      // A disk may hang for minutes; whoever asks for a server's health should not.
      const kept = await within(STORE_PATIENCE, asked);
      return kept.length > own.length ? kept : own;
    } catch {
      // That it fails is said where it is written.
      return own;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#monitor.close();
    this.#recovery.close();
    await this.#history?.close();
  }

  /** A mistake in here must neither stop a configuration from being used nor end the program. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log("error", `health: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  #checked(slot: number): void {
    this.#observer.look(slot);
    const checks = this.#monitor.server(slot)?.checks ?? [];
    const good = checks.filter(({ asksServer, health }) => asksServer && health.successes > 0);
    // A check that the server answered speaks for it, but may have come to it on another way than traffic does.
    if (good.length > 0) this.#recovery.hurry(slot);
    // A frozen process still gets connections, from the kernel; any other answer is its own.
    const { scoreboard, clock } = this.#options;
    if (good.some(({ config }) => config.type !== "tcp")) scoreboard.health.setHeardAt(slot, clock.now());
  }

  /** What a change leads to: attempts to reach the server, and a check at once where traffic has found something. */
  #changed(server: ObservedServer, before: number): void {
    const { slot, flags } = server;
    this.#watch(server);
    const found = flags & ~before & (unreachable | ejected | breakerOpen);
    const cameBack = before & ~flags & unreachable;
    if ((found | cameBack) !== 0) this.#monitor.checkNow(slot);
    if ((found & ejected) !== 0 && (flags & unreachable) === 0) void this.#lookForLife(server);
  }

  /**
   * A server that was ejected for errors may be gone altogether (its connections broke, then it was ejected for that):
   * then it is back as soon as it can be reached, and not only when the ejection is over.
   */
  async #lookForLife({ slot, config, poolConfig }: ObservedServer): Promise<void> {
    const { scoreboard, clock, random } = this.#options;
    const { health } = scoreboard;
    const { outlierDetection } = poolConfig;
    const parsed = parseServerAddress(config.address);
    if (statistical.has(health.reason(slot)) || outlierDetection === false || !("address" in parsed)) return;
    const since = health.ejectedAt(slot);
    if (await (this.#options.canConnect ?? canConnect)(parsed.address, LIFE_TIMEOUT)) return;
    // Another server may have the slot by now, or it may have come back and been ejected anew.
    if (this.#observer.servers.get(slot)?.config.address !== config.address || health.ejectedAt(slot) !== since) return;
    const time = outlierDetection.ejectionTime;
    const reason = PassiveReason.unreachable;
    setUnreachable({ health, slot, reason, endsEjection: true, time, now: clock.now(), random });
    this.#observer.look(slot);
  }

  #watch({ slot, flags, config }: ObservedServer): void {
    if ((flags & unreachable) === 0) {
      this.#recovery.stop(slot);
      return;
    }
    // That a connection of TCP can be made was never in doubt there: traffic tries again when the time is over.
    if (this.#options.scoreboard.health.reason(slot) === PassiveReason.handshake) return this.#recovery.stop(slot);
    const parsed = parseServerAddress(config.address);
    if ("address" in parsed) this.#recovery.watch(slot, parsed.address);
  }

  #reason({ slot }: ObservedServer, change: HealthChange): string | undefined {
    const checked = this.#monitor.server(slot);
    switch (change) {
      case "unhealthy":
        return checked?.worst?.health.lastFailure?.reason;
      case "degraded":
        return checked?.worst?.health.last?.reason;
      case "unreachable":
        return this.unreachableReason(slot);
      case "ejected":
      case "breaker_open":
        return this.passiveReason(slot);
      default:
        return undefined;
    }
  }
}

/** What the promise brings, unless it takes longer than so many ms: then this rejects. */
function within<Value>(time: number, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("timed out")), time);
    void promise.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
