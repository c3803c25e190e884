import type { BalancingAlgorithm } from "../../src/core/balancing/balancer.ts";
import { slowStartScale, type SlowStart } from "../../src/core/health/slow-start.ts";
import { LatencyRecord } from "./latency-record.ts";
import { equalServers, optionsFor, type Setup } from "./setups.ts";
import { Simulation } from "./simulation.ts";

/** Five equal servers, of which the first is killed and comes back cold. */
export const recoverySetup: Setup = {
  name: "recovery",
  title: "Five equal servers, one of them killed and started again",
  servers: equalServers(5),
  nodes: 1,
  workers: 4,
};

/** Times in s: death, return, and the end of what is counted. */
export const recoveryTimes = { dead: 60, back: 90, end: 120 } as const;

/** A server that has just started is slow (cold caches, code not compiled): from a fifth to full speed in 10 s. */
const coldSpeed = 0.2;
const warmUp = 10_000;
const load = 0.6;

/** How often the balancers get a new set while a server is in slow start, ms. */
const step = 100;

export const slowStart: SlowStart = { window: 20_000, aggression: 1, minimumShare: 0.1 };

/** What the newcomer had to bear. */
export interface RecoveryFigures {
  readonly algorithm: string;
  readonly slowStart: boolean;
  /** Requests in flight on one server on average before the death, and at most on the newcomer. */
  readonly usual: number;
  readonly peak: number;
  /** 99th percentile (ms) of its answers in the first 10 s, and of all answers in that time. */
  readonly newcomerP99: number;
  readonly p99: number;
  /** 99th percentile of all answers in the minute before the death. */
  readonly usualP99: number;
}

/** Runs the scenario with each seed. `peak` is the mean of the runs' peaks. */
export function runRecovery(
  algorithm: BalancingAlgorithm,
  withSlowStart: boolean,
  seeds: readonly number[],
): RecoveryFigures {
  const { dead, back, end } = recoveryTimes;
  const start = 1000;
  const [before, newcomer, all] = [new LatencyRecord(), new LatencyRecord(), new LatencyRecord()];
  let peaks = 0;
  let usual = 0;
  let samples = 0;
  for (const seed of seeds) {
    let peak = 0;
    const simulation = new Simulation(optionsFor(recoverySetup, algorithm, load, seed), {
      onTry(server, now) {
        const inFlight = simulation.servers[server]!.inFlight + 1;
        if (now - start > back * 1000 && server === 0) peak = Math.max(peak, inFlight);
        if (now - start > 10_000 && now - start < dead * 1000) {
          usual += inFlight;
          samples++;
        }
      },
      onEnd(server, latency, success, now) {
        const began = now - start - latency;
        if (!success) return;
        if (began > 10_000 && began < dead * 1000) before.add(latency);
        if (began < back * 1000 || began > back * 1000 + 10_000) return;
        all.add(latency);
        if (server === 0) newcomer.add(latency);
      },
    });
    const others = simulation.pool.slice(1);
    simulation.run(dead * 1000);
    simulation.kill(0);
    simulation.update(others);
    for (let time = back * 1000; time < end * 1000; time += step) {
      simulation.run(time);
      const age = time - back * 1000;
      simulation.setSpeed(0, Math.min(1, coldSpeed + ((1 - coldSpeed) * age) / warmUp));
      const scale = withSlowStart ? slowStartScale(0, age, slowStart) : 1;
      const changes = age === 0 || (withSlowStart && age <= slowStart.window);
      if (changes) simulation.update([{ ...simulation.pool[0]!, scale }, ...others]);
    }
    peaks += peak;
  }
  return {
    algorithm: algorithm.name,
    slowStart: withSlowStart,
    usual: usual / samples,
    peak: peaks / seeds.length,
    newcomerP99: newcomer.quantile(0.99),
    p99: all.quantile(0.99),
    usualP99: before.quantile(0.99),
  };
}
