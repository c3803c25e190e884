import type { BalancingAlgorithm } from "../../src/core/balancing/balancer.ts";
import { LatencyRecord } from "./latency-record.ts";
import { optionsFor, type Setup } from "./setups.ts";
import { Simulation } from "./simulation.ts";

/** What came out for one algorithm at one load; latencies in ms, shares 0..1. */
export interface TailFigures {
  readonly setup: string;
  readonly algorithm: string;
  readonly load: number;
  readonly requests: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  /** Share of the requests that the slowest and the fastest servers got, relative to an equal share. */
  readonly slowest: number;
  readonly fastest: number;
  /** Share of the requests that were refused. */
  readonly errors: number;
}

/** Time in ms that is not counted: queues and averages are filling. */
const warmUp = 30_000;

/** Runs one algorithm at one load for `minutes` of virtual time with each seed, and puts the runs together. */
export function runTail(
  setup: Setup,
  algorithm: BalancingAlgorithm,
  load: number,
  minutes: number,
  seeds: readonly number[],
): TailFigures {
  const latencies = new LatencyRecord();
  const perServer = setup.servers.map(() => 0);
  let requests = 0;
  let errors = 0;
  for (const seed of seeds) {
    const simulation = new Simulation(optionsFor(setup, algorithm, load, seed), {
      onEnd(server, latency, success, now) {
        if (now < warmUp) return;
        requests++;
        perServer[server]! += 1;
        if (success) latencies.add(latency);
        else errors++;
      },
    });
    simulation.run(warmUp + minutes * 60_000);
  }
  const speeds = setup.servers.map(({ speed }) => speed);
  const shareAt = (speed: number): number => {
    const counts = perServer.filter((_, index) => speeds[index] === speed);
    return ((counts.reduce((sum, count) => sum + count, 0) / counts.length) * perServer.length) / requests;
  };
  return {
    setup: setup.name,
    algorithm: algorithm.name,
    load,
    requests,
    mean: latencies.mean,
    p50: latencies.quantile(0.5),
    p95: latencies.quantile(0.95),
    p99: latencies.quantile(0.99),
    p999: latencies.quantile(0.999),
    slowest: shareAt(Math.min(...speeds)),
    fastest: shareAt(Math.max(...speeds)),
    errors: errors / requests,
  };
}
