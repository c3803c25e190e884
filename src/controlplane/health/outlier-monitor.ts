import type { OutlierDetectionConfig } from "../../config/pool-parts-schema.ts";
import type { PoolConfig } from "../../config/schema.ts";
import type { Snapshot } from "../../config/snapshot.ts";
import type { BalancingAlgorithm } from "../../core/balancing/balancer.ts";
import type { Clock } from "../../core/clock.ts";
import {
  latencyLimit,
  latencyOutliers,
  newStanding,
  type LatencySample,
  type LatencyStanding,
} from "../../core/health/latency-comparison.ts";
import { successOutliers, type Outlier } from "../../core/health/outlier-statistics.ts";
import type { Random } from "../../core/random.ts";
import { tryEject } from "../../shared-memory/ejection.ts";
import { PassiveReason } from "../../shared-memory/health-board.ts";
import { takesNewWork } from "../../shared-memory/health-flags.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { LaneCounters, type ServerCounts } from "./lane-counters.ts";

/**
 * A server that has just come back is not judged for so many latency intervals: what was sent to it before it was taken
 * out, and is answered only now, says nothing about how it is doing.
 */
const SPARED_INTERVALS = 4;

const reasons: Readonly<Record<Outlier["rule"], PassiveReason>> = {
  successRate: PassiveReason.successRate,
  failurePercentage: PassiveReason.failurePercentage,
  latency: PassiveReason.latency,
};

/** A time over which counters are compared: what they were when it began. */
type Span = ServerCounts;

interface Member {
  readonly slot: number;
  readonly success: Span;
  readonly latency: Span;
  standing: LatencyStanding;
}

interface WatchedPool {
  readonly name: string;
  readonly config: PoolConfig;
  readonly rules: OutlierDetectionConfig;
  /** False where a hash key decides who gets what: a heavy shard is no outlier. */
  readonly comparesLatency: boolean;
  readonly slots: readonly number[];
  readonly members: readonly Member[];
  successDue: number;
  latencyDue: number;
}

export interface OutlierMonitorOptions {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly random: Random;
  readonly algorithms: () => readonly BalancingAlgorithm[];
}

/**
 * Compares the servers of each pool by what their traffic was like, and ejects those that stand out. The rules are in
 * core/health/outlier-statistics.ts; errors in a row and silence are the workers' to find.
 */
export class OutlierMonitor {
  readonly #options: OutlierMonitorOptions;
  readonly #counters: LaneCounters;
  readonly #now: ServerCounts = noCounts();
  /** Slot → what stood out, of the servers that were ejected for it last. */
  readonly #findings = new Map<number, string>();
  #pools: WatchedPool[] = [];

  constructor(options: OutlierMonitorOptions) {
    this.#options = options;
    this.#counters = new LaneCounters(options.scoreboard.handle);
  }

  follow({ config, slots }: Snapshot): void {
    const now = this.#options.clock.now();
    const before = new Map(this.#pools.map((pool) => [pool.name, pool]));
    this.#pools = Object.entries(config.pools).flatMap(([name, pool]) => {
      const rules = pool.outlierDetection;
      if (rules === false || pool.servers.length < 2) return [];
      const known = new Map(before.get(name)?.members.map((member) => [member.slot, member]));
      const { name: wanted } = pool.algorithm;
      const algorithm = this.#options
        .algorithms()
        .find((entry) => entry.name === wanted || entry.aliases?.includes(wanted) === true);
      const inPool = slots[name]!;
      return [
        {
          name,
          config: pool,
          rules,
          comparesLatency: rules.latencyFactor > 0 && algorithm?.usesHashKey !== true,
          slots: inPool,
          members: inPool.map((slot) => known.get(slot) ?? this.#newMember(slot)),
          successDue: before.get(name)?.successDue ?? now + rules.interval,
          latencyDue: before.get(name)?.latencyDue ?? now + rules.latencyInterval,
        },
      ];
    });
    const present = new Set(this.#pools.flatMap((pool) => pool.slots));
    for (const slot of this.#findings.keys()) if (!present.has(slot)) this.#findings.delete(slot);
  }

  /** What stood out when the server was ejected by comparison; undefined for one that was not. */
  finding(slot: number): string | undefined {
    return this.#findings.get(slot);
  }

  /** Compares the pools whose time has come. */
  tick(): void {
    const now = this.#options.clock.now();
    for (const pool of this.#pools) {
      if (now < Math.min(pool.successDue, pool.comparesLatency ? pool.latencyDue : Infinity)) continue;
      this.#spare(pool, now);
      if (now >= pool.successDue) {
        pool.successDue = now + pool.rules.interval;
        this.#compareSuccess(pool);
      }
      if (pool.comparesLatency && now >= pool.latencyDue) {
        pool.latencyDue = now + pool.rules.latencyInterval;
        this.#compareLatency(pool);
      }
    }
  }

  /** Begins anew for servers that have just come back. */
  #spare({ members, rules }: WatchedPool, now: number): void {
    for (const member of members) {
      const { slot, success, latency } = member;
      const back = now - this.#options.scoreboard.readySince(slot);
      if (!(back < SPARED_INTERVALS * rules.latencyInterval)) continue;
      for (const span of [success, latency]) this.#restart(slot, span);
      member.standing = newStanding();
    }
  }

  #compareSuccess(pool: WatchedPool): void {
    const samples = pool.members.map(({ slot, success }) => {
      const counts = this.#since(slot, success);
      this.#restart(slot, success);
      return counts;
    });
    this.#ejectAll(pool, successOutliers(samples, pool.rules));
  }

  #compareLatency(pool: WatchedPool): void {
    const { scoreboard } = this.#options;
    const samples = pool.members.map(({ slot, latency }): LatencySample => {
      const { answers, latency: total, slow } = this.#since(slot, latency);
      this.#restart(slot, latency);
      return { answers, total, slow };
    });
    const standings = pool.members.map(({ standing }) => standing);
    const outliers = latencyOutliers(standings, samples, pool.rules);
    // From which latency on workers are to count answers as slow, by what was usual until now.
    const limit = latencyLimit(standings, pool.rules);
    if (limit > 0) for (const slot of pool.slots) scoreboard.setSlowLimit(slot, limit);
    this.#ejectAll(pool, outliers);
  }

  #ejectAll(pool: WatchedPool, outliers: readonly Outlier[]): void {
    const { scoreboard, clock, random } = this.#options;
    for (const { index, rule, reason } of outliers) {
      const member = pool.members[index]!;
      const { slot } = member;
      if (!takesNewWork(scoreboard.health.flags(slot))) continue;
      const before = this.#findings.get(slot);
      // First, for whoever sees the flag asks for it.
      this.#findings.set(slot, reason);
      const { slots, config } = pool;
      const request = { scoreboard, slots, slot, config, reason: reasons[rule], now: clock.now(), random };
      if (tryEject(request) === "ejected") member.standing = newStanding();
      else if (before === undefined) this.#findings.delete(slot);
      else this.#findings.set(slot, before);
    }
  }

  #newMember(slot: number): Member {
    const member = { slot, success: noCounts(), latency: noCounts(), standing: newStanding() };
    for (const span of [member.success, member.latency]) this.#restart(slot, span);
    return member;
  }

  #restart(slot: number, span: Span): void {
    this.#counters.read(slot, span);
  }

  /** What was counted since the span began; nothing when the slot has begun anew meanwhile. */
  #since(slot: number, from: Span): ServerCounts {
    const now = this.#now;
    this.#counters.read(slot, now);
    if (now.requests < from.requests) return noCounts();
    return {
      requests: now.requests - from.requests,
      errors: now.errors - from.errors,
      answers: now.answers - from.answers,
      latency: now.latency - from.latency,
      slow: now.slow - from.slow,
    };
  }
}

function noCounts(): ServerCounts {
  return { requests: 0, errors: 0, answers: 0, latency: 0, slow: 0 };
}
