import type { BalancingAlgorithm } from "../core/balancing/balancer.ts";
import type { FilterDefinition } from "../core/filtering/filter.ts";

/** What may stand in the configuration beyond the fixed schema: built-in and own algorithms and filters. */
export interface Extensions {
  readonly algorithms: readonly BalancingAlgorithm[];
  readonly filters: readonly FilterDefinition[];
}

/** Both lists, the second one after the first. */
export function joinExtensions(first: Extensions, second: Extensions): Extensions {
  return {
    algorithms: [...first.algorithms, ...second.algorithms],
    filters: [...first.filters, ...second.filters],
  };
}

/** Names of the algorithms with their aliases, and of the filters, that are there more than once. */
export function repeatedNames(extensions: Extensions): string[] {
  const algorithms = extensions.algorithms.flatMap((algorithm) => [algorithm.name, ...(algorithm.aliases ?? [])]);
  const filters = extensions.filters.map((filter) => filter.name);
  return [...repeated(algorithms), ...repeated(filters)];
}

function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))];
}
