import type { BalancingAlgorithm } from "./balancer.ts";
import { leastConnections } from "./least-connections.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round-robin.ts";
import { weightedLeastConnections } from "./weighted-least-connections.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** Every balancing algorithm that comes with the program. The only list: all else follows from it. */
export const algorithms: readonly BalancingAlgorithm[] = [
  roundRobin,
  weightedRoundRobin,
  leastConnections,
  weightedLeastConnections,
  random,
];

/** The algorithm of this configuration name or alias; undefined when there is none. */
export function findAlgorithm(name: string): BalancingAlgorithm | undefined {
  return algorithms.find((algorithm) => algorithm.name === name || algorithm.aliases?.includes(name) === true);
}
