import { atRate } from "../load/h2load.ts";
import type { Workload } from "./workload.ts";

/** A fixed rate well below what any of the main contestants can carry: what a proxy adds to the latency. */
export const addedLatency: Workload = {
  name: "added-latency",
  summary: "128 bytes, 10,000 requests/s in all over 16 keep-alive connections",
  standard: true,
  direct: true,
  run: (target) => atRate({ connections: 16, rate: 10_000, path: "/" }, target),
};
