import type { ProbeDefinition } from "../../../core/health/probe.ts";
import { dns } from "./dns.ts";
import { exec } from "./exec.ts";
import { grpc } from "./grpc.ts";
import { http } from "./http.ts";
import { https } from "./https.ts";
import { mysql } from "./mysql.ts";
import { postgresql } from "./postgresql.ts";
import { redis } from "./redis.ts";
import { tcp } from "./tcp.ts";
import { tls } from "./tls.ts";
import { udp } from "./udp.ts";

/** All health checks that come with the program, in the order of the documentation: the only list. */
export const probes: readonly ProbeDefinition[] = [
  tcp,
  http,
  https,
  tls,
  grpc,
  exec,
  redis,
  postgresql,
  mysql,
  dns,
  udp,
] as ProbeDefinition[];
