import type { DiscoveryDefinition } from "../../core/discovery/discovery.ts";

/** All sources of servers that come with the program: the only list. */
export const discoveries: readonly DiscoveryDefinition[] = [];
