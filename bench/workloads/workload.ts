import type { LoadResult, Target } from "../load/load.ts";

/** One kind of traffic. One file (per family) and one line in registry.ts. */
export interface Workload {
  readonly name: string;
  readonly summary: string;
  /** The body that matters, in bytes per request: CPU is reported per MB as well, and received bytes are checked. */
  readonly body?: { readonly direction: "down" | "up"; readonly bytes: number };
  /** The proxies speak TLS with their clients. */
  readonly secure?: boolean;
  /** Runs when the command line names no workloads. */
  readonly standard: boolean;
  /** The Node peers take part without being named. */
  readonly peers?: boolean;
  /** The load goes to the origin directly as well, to tell the latency that a proxy adds. */
  readonly direct?: boolean;
  /** Runs the load generator once. */
  run(target: Target): Promise<LoadResult>;
}
