import { wrk } from "../load/wrk.ts";
import type { Workload } from "./workload.ts";

/** Answers of 128 bytes over connections that stay open. */
export const smallKeepAlive: readonly Workload[] = [1, 64, 256, 1024].map((connections) => ({
  name: `small-${connections}`,
  summary: `128 bytes, keep-alive, ${connections} connection${connections > 1 ? "s" : ""}`,
  standard: true,
  peers: connections === 64,
  run: (target) => wrk({ connections, path: "/" }, target),
}));
