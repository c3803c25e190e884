import type { Extensions } from "../config/extensions.ts";
import { discoveries } from "../controlplane/discovery/registry.ts";
import { probes } from "../controlplane/health/probes/registry.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { filters } from "../dataplane/filters/registry.ts";

/** What comes with the program: algorithms, filters, health checks and sources of servers. */
export const builtIn: Extensions = { algorithms, filters, probes, discoveries };
