import type { BalancingAlgorithm } from "./balancer.ts";
import { consistentHash } from "./consistent-hash.ts";
import { dynamicWeightedRoundRobin } from "./dynamic-weighted-round-robin.ts";
import { firstAvailable } from "./first-available.ts";
import { ipHash } from "./ip-hash.ts";
import { leastConnections } from "./least-connections.ts";
import { leastResponseTime } from "./least-response-time.ts";
import { maglev } from "./maglev.ts";
import { peakEwma } from "./peak-ewma.ts";
import { powerOfTwoChoices } from "./power-of-two-choices.ts";
import { prequal } from "./prequal.ts";
import { random } from "./random.ts";
import { rendezvousHash } from "./rendezvous-hash.ts";
import { resourceBased } from "./resource-based.ts";
import { roundRobin } from "./round-robin.ts";
import { weightedLeastConnections } from "./weighted-least-connections.ts";
import { weightedRandom } from "./weighted-random.ts";
import { weightedRoundRobin } from "./weighted-round-robin.ts";

/** Every balancing algorithm that comes with the program. The only list: all else follows from it. */
export const algorithms = [
  roundRobin,
  weightedRoundRobin,
  dynamicWeightedRoundRobin,
  leastConnections,
  weightedLeastConnections,
  leastResponseTime,
  peakEwma,
  powerOfTwoChoices,
  random,
  weightedRandom,
  ipHash,
  consistentHash,
  maglev,
  rendezvousHash,
  prequal,
  resourceBased,
  firstAvailable,
] as readonly BalancingAlgorithm[];

/** The algorithm of this configuration name or alias; undefined when there is none. */
export function findAlgorithm(name: string): BalancingAlgorithm | undefined {
  return algorithms.find((algorithm) => algorithm.name === name || algorithm.aliases?.includes(name) === true);
}
