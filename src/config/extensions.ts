import type { BalancingAlgorithm } from "../core/balancing/balancer.ts";
import type { DiscoveryDefinition } from "../core/discovery/discovery.ts";
import type { FilterDefinition } from "../core/filtering/filter.ts";
import type { ProbeDefinition } from "../core/health/probe.ts";

/** What may stand in the configuration beyond the fixed schema: what comes with the program and what modules bring. */
export interface Extensions {
  readonly algorithms: readonly BalancingAlgorithm[];
  readonly filters: readonly FilterDefinition[];
  readonly probes?: readonly ProbeDefinition[];
  readonly discoveries?: readonly DiscoveryDefinition[];
}

/** Both lists of each kind, the second one after the first. */
export function joinExtensions(first: Extensions, second: Extensions): Extensions {
  return {
    algorithms: [...first.algorithms, ...second.algorithms],
    filters: [...first.filters, ...second.filters],
    probes: [...(first.probes ?? []), ...(second.probes ?? [])],
    discoveries: [...(first.discoveries ?? []), ...(second.discoveries ?? [])],
  };
}

/** Names, aliases among them, that are there more than once within a kind. */
export function repeatedNames(extensions: Extensions): string[] {
  const algorithms = extensions.algorithms.flatMap((algorithm) => [algorithm.name, ...(algorithm.aliases ?? [])]);
  const others = [extensions.filters, extensions.probes ?? [], extensions.discoveries ?? []];
  return [algorithms, ...others.map((list) => list.map(({ name }) => name))].flatMap(repeated);
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
