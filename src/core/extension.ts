import type { BalancingAlgorithm } from "./balancing/balancer.ts";
import type { FilterDefinition } from "./filtering/filter.ts";

/** A balancing algorithm that a module named in `modules:` brings. */
export type AlgorithmExtension = BalancingAlgorithm & { readonly kind: "algorithm" };

/** What a module named in `modules:` exports as its default: one of these or a list of them. */
export type Extension = AlgorithmExtension | FilterDefinition;

/** Marks an own balancing algorithm; export the result as the module's default. */
export function defineAlgorithm<Config>(algorithm: BalancingAlgorithm<Config>): AlgorithmExtension {
  return { ...(algorithm as BalancingAlgorithm), kind: "algorithm" };
}

/** Marks an own filter; export the result as the module's default. */
export function defineFilter<Config>(filter: Omit<FilterDefinition<Config>, "kind">): FilterDefinition {
  return { ...(filter as Omit<FilterDefinition, "kind">), kind: "filter" };
}
