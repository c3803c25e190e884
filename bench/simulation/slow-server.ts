import type { BalancingAlgorithm } from "../../src/core/balancing/balancer.ts";
import { LatencyRecord } from "./latency-record.ts";
import { equalServers, optionsFor, type Setup } from "./setups.ts";
import { Simulation } from "./simulation.ts";

/** Five equal servers at half of their load, of which the first becomes ten times slower for two minutes. */
export const slowServerSetup: Setup = {
  name: "slow-server",
  title: "Five equal servers, one of them ten times slower for two minutes",
  servers: equalServers(5),
  nodes: 1,
  workers: 4,
};

/** Times in s: when the server becomes slow and fast again, and the end. */
export const slowServerTimes = { slow: 60, fast: 180, end: 600 } as const;

const load = 0.5;
const slowness = 10;

/** Share of the traffic (0..1; equal would be 0.2) that the slow server had in each phase. */
export interface SlowServerFigures {
  readonly algorithm: string;
  readonly before: number;
  readonly during: number;
  /** In the last minute before it was fast again. */
  readonly settled: number;
  /** In the last minute of the run. */
  readonly after: number;
  /** Seconds from the change until its share was below half of an equal one; null if it never was. */
  readonly away: number | null;
  /** Seconds from its being fast again until its share was above that; 0 if it never was below, null if never again. */
  readonly back: number | null;
  /** 99th percentile (ms) of all requests while it was slow, and the share that was refused. */
  readonly p99: number;
  readonly errors: number;
}

/** Runs the scenario with each seed; counts are put together second by second. */
export function runSlowServer(algorithm: BalancingAlgorithm, seeds: readonly number[]): SlowServerFigures {
  const { slow, fast, end } = slowServerTimes;
  const own = new Float64Array(end);
  const all = new Float64Array(end);
  const latencies = new LatencyRecord();
  let errors = 0;
  for (const seed of seeds) {
    const during = (now: number): boolean => now >= slow * 1000 && now < fast * 1000;
    const start = 1000;
    const simulation = new Simulation(optionsFor(slowServerSetup, algorithm, load, seed), {
      onTry(server, now) {
        const second = Math.floor((now - start) / 1000);
        if (second >= end) return;
        all[second]! += 1;
        if (server === 0) own[second]! += 1;
      },
      onEnd(_server, latency, success, now) {
        if (!during(now - start - latency)) return;
        if (success) latencies.add(latency);
        else errors++;
      },
    });
    simulation.run(slow * 1000);
    simulation.setSpeed(0, 1 / slowness);
    simulation.run(fast * 1000);
    simulation.setSpeed(0, 1);
    simulation.run(end * 1000);
  }
  const share = (from: number, to: number): number => sum(own, from, to) / sum(all, from, to);
  const half = 0.5 / slowServerSetup.servers.length;
  const settled = share(fast - 60, fast);
  return {
    algorithm: algorithm.name,
    before: share(10, slow),
    during: share(slow, fast),
    settled,
    after: share(end - 60, end),
    away: firstSecond(slow, fast, (second) => share(second, second + 2) < half),
    back: settled >= half ? 0 : firstSecond(fast, end, (second) => share(second, second + 2) >= half),
    p99: latencies.quantile(0.99),
    errors: errors / (latencies.count + errors),
  };
}

function sum(counts: Float64Array, from: number, to: number): number {
  return counts.subarray(from, to).reduce((total, count) => total + count, 0);
}

/** Seconds after `from` until the condition holds; null when it never does before `to`. */
function firstSecond(from: number, to: number, holds: (second: number) => boolean): number | null {
  for (let second = from; second < to - 1; second++) if (holds(second)) return second - from;
  return null;
}
