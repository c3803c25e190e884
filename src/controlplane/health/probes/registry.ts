import type { ProbeDefinition } from "../../../core/health/probe.ts";

/** All health checks that come with the program: the only list. */
export const probes: readonly ProbeDefinition[] = [];
