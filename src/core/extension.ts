import type { BalancingAlgorithm } from "./balancing/balancer.ts";
import type { DiscoveryDefinition } from "./discovery/discovery.ts";
import type { FilterDefinition } from "./filtering/filter.ts";
import type { ProbeDefinition } from "./health/probe.ts";

/** A balancing algorithm that a module named in `modules:` brings. */
export type AlgorithmExtension = BalancingAlgorithm & { readonly kind: "algorithm" };

/** What a module named in `modules:` exports as its default: one of these or a list of them. */
export type Extension = AlgorithmExtension | FilterDefinition | ProbeDefinition | DiscoveryDefinition;

/** Marks an own balancing algorithm; export the result as the module's default. */
export function defineAlgorithm<Config>(algorithm: BalancingAlgorithm<Config>): AlgorithmExtension {
  return { ...(algorithm as BalancingAlgorithm), kind: "algorithm" };
}

/** Marks an own filter; export the result as the module's default. */
export function defineFilter<Config>(filter: Omit<FilterDefinition<Config>, "kind">): FilterDefinition {
  return { ...(filter as Omit<FilterDefinition, "kind">), kind: "filter" };
}

/** Marks an own health check; export the result as the module's default. */
export function defineProbe<Settings>(probe: Omit<ProbeDefinition<Settings>, "kind">): ProbeDefinition {
  return { ...(probe as Omit<ProbeDefinition, "kind">), kind: "probe" };
}

/** Marks an own source of servers; export the result as the module's default. */
export function defineDiscovery<Settings>(source: Omit<DiscoveryDefinition<Settings>, "kind">): DiscoveryDefinition {
  return { ...(source as Omit<DiscoveryDefinition, "kind">), kind: "discovery" };
}
