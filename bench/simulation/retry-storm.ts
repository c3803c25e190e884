import type { BalancingAlgorithm } from "../../src/core/balancing/balancer.ts";
import { RetryBudget } from "../../src/core/retry/retry-budget.ts";
import { LatencyRecord } from "./latency-record.ts";
import { equalServers, optionsFor, type Setup } from "./setups.ts";
import { Simulation, type Retries } from "./simulation.ts";

/** Ten equal servers, of which five answer everything with an error at once; nothing takes them out. */
export const retryStormSetup: Setup = {
  name: "retry-storm",
  title: "Ten equal servers, five of which fail everything",
  servers: equalServers(10),
  nodes: 1,
  workers: 4,
};

/** How retries are limited. */
export const retryModes = ["none", "budget", "unlimited"] as const;
export type RetryMode = (typeof retryModes)[number];

/** The defaults of a pool's `retries`. */
const attempts = 2;
const share = 0.2;
const minPerSecond = 3;

/** s from the start: the failure begins, and the end. */
const failure = 60;
const end = 180;
const load = 0.6;

export interface RetryStormFigures {
  readonly algorithm: string;
  readonly retries: RetryMode;
  /** Tries per second on a good server relative to before the failure. */
  readonly load: number;
  /** All tries relative to the requests. */
  readonly tries: number;
  /** Share of the requests that failed, after their retries. */
  readonly errors: number;
  /** 99th percentile (ms) of the good answers. */
  readonly p99: number;
}

/** Runs the scenario with each seed. */
export function runRetryStorm(
  algorithm: BalancingAlgorithm,
  mode: RetryMode,
  seeds: readonly number[],
): RetryStormFigures {
  const servers = retryStormSetup.servers.length;
  const failing = servers / 2;
  const start = 1000;
  const latencies = new LatencyRecord();
  let goodBefore = 0;
  let goodDuring = 0;
  let tries = 0;
  let requests = 0;
  let errors = 0;
  for (const seed of seeds) {
    const simulation = new Simulation(
      optionsFor(retryStormSetup, algorithm, load, seed),
      {
        onTry(server, now) {
          const second = (now - start) / 1000;
          if (second < failure) goodBefore += server >= failing ? 1 : 0;
          else {
            goodDuring += server >= failing ? 1 : 0;
            tries++;
          }
        },
        onEnd(_server, latency, success, now) {
          if (now - start - latency < failure * 1000) return;
          requests++;
          if (success) latencies.add(latency);
          else errors++;
        },
      },
      retriesFor(mode, retryStormSetup.workers),
    );
    simulation.run(failure * 1000);
    for (let server = 0; server < failing; server++) simulation.setFailing(server, true);
    simulation.run(end * 1000);
  }
  return {
    algorithm: algorithm.name,
    retries: mode,
    load: goodDuring / (end - failure) / (goodBefore / failure),
    tries: tries / requests,
    errors: errors / requests,
    p99: latencies.quantile(0.99),
  };
}

function retriesFor(mode: RetryMode, workers: number): Retries | undefined {
  if (mode === "none") return undefined;
  if (mode === "unlimited") return { onRequest: () => undefined, allows: (_worker, retry) => retry <= attempts };
  const budgets = Array.from({ length: workers }, () => new RetryBudget({ share, minPerSecond }));
  return {
    onRequest: (worker, now) => budgets[worker]!.request(now),
    allows: (worker, retry, now) => retry <= attempts && budgets[worker]!.tryTake(now),
  };
}
