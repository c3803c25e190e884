import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { http } from "./http.ts";
import { https } from "./https.ts";
import { tcp } from "./tcp.ts";
import { tls } from "./tls.ts";

/** All health checks that come with the program, in the order of the documentation: the only list. */
export const probes: readonly ProbeDefinition[] = [tcp, http, https, tls] as ProbeDefinition[];
