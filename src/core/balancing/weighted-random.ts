import type { BalancingAlgorithm } from "./balancer.ts";
import { effectiveWeights } from "./effective-weights.ts";
import { RandomChoice } from "./random.ts";
import { noSettings } from "./settings.ts";

/** A ready server at random with a chance in proportion to its weight. A choice is O(1), see `AliasTable`. */
export const weightedRandom: BalancingAlgorithm = {
  name: "weighted_random",
  aliases: ["weighted"],
  summary: "A ready server at random, each with a chance in proportion to its weight.",
  schema: noSettings,
  usesHashKey: false,
  create: (deps) => new RandomChoice(deps.random, effectiveWeights),
};
