import { algorithms, findAlgorithm } from "../../src/core/balancing/registry.ts";
import type { BalancingAlgorithm } from "../../src/core/balancing/balancer.ts";
import { runRecovery, type RecoveryFigures } from "./recovery.ts";
import { retryModes, runRetryStorm, type RetryMode, type RetryStormFigures } from "./retry-storm.ts";
import { tailSetups } from "./setups.ts";
import { runSlowServer, type SlowServerFigures } from "./slow-server.ts";
import { runTail, type TailFigures } from "./tail.ts";

export const scenarios = ["tail", "slow-server", "recovery", "retry-storm"] as const;
export type Scenario = (typeof scenarios)[number];

/** Shares of the servers' capacity that the long simulation is run at. */
export const loads = [0.5, 0.7, 0.85, 0.95] as const;

interface Common {
  readonly algorithm: string;
  readonly seeds: readonly number[];
}
type TailTask = Common & {
  readonly scenario: "tail";
  readonly setup: string;
  readonly load: number;
  readonly minutes: number;
};
type SlowServerTask = Common & { readonly scenario: "slow-server" };
type RecoveryTask = Common & { readonly scenario: "recovery"; readonly slowStart: boolean };
type RetryStormTask = Common & { readonly scenario: "retry-storm"; readonly retries: RetryMode };

/** One line of a table: what one thread can do by itself. A plain value that may go to another thread. */
export type Task = TailTask | SlowServerTask | RecoveryTask | RetryStormTask;

/** The figures of everything that was run. */
export interface Figures {
  tail: TailFigures[];
  slowServer: SlowServerFigures[];
  recovery: RecoveryFigures[];
  retryStorm: RetryStormFigures[];
}

/** The algorithms that the retry storm is shown for: one of each kind. */
const stormAlgorithms = [
  "weighted_round_robin",
  "weighted_least_connections",
  "least_response_time",
  "peak_ewma",
  "power_of_two_choices",
  "prequal",
];

export interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly algorithms: readonly string[];
  readonly minutes: number;
  readonly seeds: readonly number[];
}

/** The tasks of a plan, the longest first. */
export function tasksOf({ scenarios: wanted, algorithms: names, minutes, seeds }: Plan): Task[] {
  const tasks: Task[] = [];
  if (wanted.includes("tail")) {
    for (const load of loads.toReversed()) {
      for (const setup of tailSetups.toReversed()) {
        for (const algorithm of names) {
          tasks.push({ scenario: "tail", setup: setup.name, algorithm, load, minutes, seeds });
        }
      }
    }
  }
  for (const algorithm of names) {
    if (wanted.includes("slow-server")) tasks.push({ scenario: "slow-server", algorithm, seeds });
    if (wanted.includes("recovery")) {
      for (const slowStart of [false, true]) tasks.push({ scenario: "recovery", algorithm, slowStart, seeds });
    }
    if (wanted.includes("retry-storm") && stormAlgorithms.includes(algorithm)) {
      for (const retries of retryModes) tasks.push({ scenario: "retry-storm", algorithm, retries, seeds });
    }
  }
  return tasks;
}

/** Runs a task; its figures go to the list of its scenario, in any order (see `sortFigures`). */
export function runTask(task: Task, into: Figures): void {
  const algorithm = findAlgorithm(task.algorithm) as BalancingAlgorithm;
  switch (task.scenario) {
    case "tail": {
      const setup = tailSetups.find(({ name }) => name === task.setup)!;
      into.tail.push(runTail(setup, algorithm, task.load, task.minutes, task.seeds));
      break;
    }
    case "slow-server":
      into.slowServer.push(runSlowServer(algorithm, task.seeds));
      break;
    case "recovery":
      into.recovery.push(runRecovery(algorithm, task.slowStart, task.seeds));
      break;
    case "retry-storm":
      into.retryStorm.push(runRetryStorm(algorithm, task.retries, task.seeds));
      break;
  }
}

export function noFigures(): Figures {
  return { tail: [], slowServer: [], recovery: [], retryStorm: [] };
}

/** Puts figures of several threads together, in the order of setups, loads and the registry of algorithms. */
export function joinFigures(parts: readonly Figures[]): Figures {
  const rank = new Map(algorithms.map(({ name }, index) => [name, index]));
  const by = (a: { algorithm: string }, b: { algorithm: string }): number =>
    rank.get(a.algorithm)! - rank.get(b.algorithm)!;
  const setup = new Map(tailSetups.map(({ name }, index) => [name, index]));
  return {
    tail: parts
      .flatMap(({ tail }) => tail)
      .toSorted((a, b) => setup.get(a.setup)! - setup.get(b.setup)! || by(a, b) || a.load - b.load),
    slowServer: parts.flatMap(({ slowServer }) => slowServer).toSorted(by),
    recovery: parts
      .flatMap(({ recovery }) => recovery)
      .toSorted((a, b) => by(a, b) || Number(a.slowStart) - Number(b.slowStart)),
    retryStorm: parts
      .flatMap(({ retryStorm }) => retryStorm)
      .toSorted((a, b) => by(a, b) || retryModes.indexOf(a.retries) - retryModes.indexOf(b.retries)),
  };
}
