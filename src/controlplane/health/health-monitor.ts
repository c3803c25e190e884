import type { Snapshot } from "../../config/snapshot.ts";
import type { Clock } from "../../core/clock.ts";
import { isUnsettled, nextHealth } from "../../core/health/health-state.ts";
import type { ProbeDefinition, ProbeResult } from "../../core/health/probe.ts";
import type { Random } from "../../core/random.ts";
import { HealthFlag, takesNewWork } from "../../shared-memory/health-flags.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { CheckScheduler } from "./check-scheduler.ts";
import { CheckedServer, checksKey, type Check } from "./checked-server.ts";
import type { HistoryRecord } from "./history-store.ts";

/** The first checks of N new servers are spread over N ms, so that they neither come at once nor late. */
const FIRST_SPREAD = 1;
/** A server to which no connection can be made is asked at least this often, in ms. */
const UNREACHABLE_INTERVAL = 1_000;

const { unknown, unhealthy, unreachable, degraded } = HealthFlag;
/** What the monitor alone sets and clears. */
const OWN = unknown | unhealthy | degraded;

export interface HealthMonitorOptions {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly random: Random;
  /** The health checks that there are: built-in ones and those of modules. */
  readonly probes: () => readonly ProbeDefinition[];
  /** Told after each result that may have changed flags of the server. */
  readonly changed: (slot: number) => void;
  /** Takes each result for the history beyond this process. */
  readonly keep: (record: HistoryRecord) => void;
}

/**
 * The active checks of a node: each server of a pool with `healthCheck` is asked once per interval, however many
 * workers there are, and what comes of it is written as flags into shared memory, where the workers see it.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #scheduler: CheckScheduler;
  /** Slot → the server there that is checked. */
  readonly #servers = new Map<number, CheckedServer>();
  /** Pool → whether it had a ready server at this version of the state of all servers. */
  readonly #ready = new Map<string, { readonly version: number; readonly any: boolean }>();
  #snapshot: Snapshot | undefined;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#scheduler = new CheckScheduler({
      clock: options.clock,
      probe: (type) => options.probes().find(({ name }) => name === type),
      finished: (check, result, latency, timedOut) => this.#finished(check, result, latency, timedOut),
    });
  }

  /**
   * Makes servers that a snapshot adds wait for their first check, where the pool has other servers that are ready. To
   * be called before workers get the snapshot; the first one adds nothing, its servers are taken as ready.
   */
  prepare(next: Snapshot): void {
    const before = this.#snapshot;
    if (before === undefined) return;
    const { scoreboard, clock } = this.#options;
    for (const [name, { healthCheck }] of Object.entries(next.config.pools)) {
      if (healthCheck.length === 0) continue;
      const known = new Set(before.slots[name]);
      const slots = next.slots[name]!;
      if (!slots.some((slot) => known.has(slot) && takesNewWork(scoreboard.health.flags(slot)))) continue;
      for (const slot of slots) {
        if (!known.has(slot)) scoreboard.health.update(slot, unknown, unhealthy | degraded, clock.now());
      }
    }
  }

  /** Checks the servers of this snapshot from now on. Those that stay keep their state, and their checks their time. */
  follow(snapshot: Snapshot): void {
    const { scoreboard, clock } = this.#options;
    this.#snapshot = snapshot;
    this.#ready.clear();
    const gone = new Map(this.#servers);
    const fresh: Check[] = [];
    for (const [name, pool] of Object.entries(snapshot.config.pools)) {
      const checks = checksKey(pool.healthCheck);
      for (const [index, config] of pool.servers.entries()) {
        const slot = snapshot.slots[name]![index]!;
        const before = this.#servers.get(slot);
        gone.delete(slot);
        if (before?.isUnchanged(name, config, checks)) continue;
        const same = before?.isSame(name, config) ? before : undefined;
        const server = new CheckedServer(name, config, slot, pool.healthCheck, same);
        if (before !== undefined) this.#stop(before);
        if (server.checks.length > 0) {
          this.#servers.set(slot, server);
          for (const check of server.checks) {
            if (check.health.last === undefined) fresh.push(check);
            else this.#scheduler.add(check, Math.max(0, check.due - clock.now()));
          }
          continue;
        }
        // Without checks nobody would ever clear these again.
        if (before !== undefined) this.#forget(slot);
      }
    }
    for (const server of gone.values()) this.#stop(server);
    for (const check of fresh) {
      const spread = Math.min(fresh.length * FIRST_SPREAD, check.config.unknownInterval);
      this.#scheduler.add(check, this.#options.random() * spread);
    }
    for (const slot of Object.values(snapshot.slots).flat()) {
      if (!this.#servers.has(slot) && (scoreboard.health.flags(slot) & unknown) !== 0) this.#forget(slot);
    }
  }

  /** Checks the server now, because traffic has found something; nothing happens for one without checks. */
  checkNow(slot: number): void {
    for (const check of this.#servers.get(slot)?.checks ?? []) this.#scheduler.soon(check);
  }

  /** What checks know about the server; undefined for one without checks. */
  server(slot: number): CheckedServer | undefined {
    return this.#servers.get(slot);
  }

  close(): void {
    this.#scheduler.close();
  }

  #stop(server: CheckedServer): void {
    this.#servers.delete(server.slot);
    for (const check of server.checks) this.#scheduler.remove(check);
  }

  #forget(slot: number): void {
    const { scoreboard, clock } = this.#options;
    scoreboard.setWeightScale(slot, 1);
    scoreboard.health.clear(slot, OWN, clock.now());
  }

  /** Takes a result in, and says when the next check begins, counted from the start of this one. */
  #finished(check: Check, result: ProbeResult, latency: number, timedOut: boolean): number {
    const { scoreboard, clock, keep } = this.#options;
    const { server, config } = check;
    const { reason, utilisation, details } = result;
    const seen = { outcome: result.outcome, at: clock.wall(), latency, reason, timedOut };
    const urgent = check.health.state === "unhealthy" && !this.#poolHasReady(server.pool);
    check.health = nextHealth(check.health, seen, config, urgent);
    check.details = details;
    check.nobodyThere = result.unreachable === true && check.asksServer;
    const judged = check.health.last!;
    server.history.add(config.type, judged);
    keep({ pool: server.pool, server: server.id, check: config.type, ...judged });
    if (utilisation !== undefined && utilisation >= 0) scoreboard.report(server.slot, utilisation, clock.now());
    this.#apply(server);
    return this.#pause(check);
  }

  #poolHasReady(pool: string): boolean {
    const { scoreboard } = this.#options;
    const version = scoreboard.stateVersion();
    const known = this.#ready.get(pool);
    if (known?.version === version) return known.any;
    const servers = this.#snapshot?.config.pools[pool]?.servers ?? [];
    const slots = this.#snapshot?.slots[pool] ?? [];
    const any = slots.some((slot, index) => {
      return servers[index]!.weight > 0 && takesNewWork(scoreboard.health.flags(slot));
    });
    this.#ready.set(pool, { version, any });
    return any;
  }

  /** Writes what the checks of a server say together into shared memory. */
  #apply(server: CheckedServer): void {
    const { scoreboard, clock, changed } = this.#options;
    const { slot, state, checks } = server;
    const now = clock.now();
    if (state === "unknown") return;
    if (state === "unhealthy") {
      // Whether somebody is there at all decides if the server may be tried when too few are ready.
      const gone = checks.some(({ health, nobodyThere }) => health.state === "unhealthy" && nobodyThere);
      scoreboard.health.update(slot, gone ? unhealthy | unreachable : unhealthy, unknown | degraded, now);
    } else {
      const weights = checks.flatMap(({ health, config }) =>
        health.state === "degraded" ? [config.degradedWeight] : [],
      );
      scoreboard.setWeightScale(slot, Math.min(1, ...weights));
      if (state === "degraded") scoreboard.health.update(slot, degraded, unknown | unhealthy, now);
      else scoreboard.health.clear(slot, OWN, now);
    }
    changed(slot);
  }

  #pause(check: Check): number {
    const { scoreboard, random } = this.#options;
    const { health, config, server } = check;
    const { jitter, unknownInterval, unhealthyInterval, degradedInterval, interval } = config;
    let pause = interval;
    if (health.state === "unhealthy") pause = unhealthyInterval;
    else if (health.state === "degraded") pause = degradedInterval;
    if (isUnsettled(health)) pause = Math.min(pause, unknownInterval);
    if ((scoreboard.health.flags(server.slot) & unreachable) !== 0) {
      pause = Math.min(pause, unhealthyInterval, UNREACHABLE_INTERVAL);
    }
    if (!check.spread && health.state !== "unknown") {
      check.spread = true;
      return pause * random();
    }
    return pause * (1 + jitter * (2 * random() - 1));
  }
}
