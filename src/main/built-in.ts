import type { Extensions } from "../config/extensions.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { filters } from "../dataplane/filters/registry.ts";

/** The algorithms and filters that come with the program. */
export const builtIn: Extensions = { algorithms, filters };
