import type { Snapshot } from "../config/snapshot.ts";
import type { TlsMaterial } from "../config/tls-material.ts";
import type { LogLevel } from "../controlplane/log.ts";
import type { ScoreboardHandle } from "../shared-memory/memory.ts";

/*
 * What the main thread and a worker say to each other. Each request carries a number, and its answer the same one.
 */

/** What a worker thread starts with. */
export interface WorkerStart {
  readonly worker: number;
  readonly workers: number;
  readonly scoreboard: ScoreboardHandle;
  /** URL of the module that exports `DataPlane`. */
  readonly dataPlane: string;
}

/** Ports that listeners with port 0 got, keyed `listener/index of its address`. */
export type BoundPorts = Readonly<Record<string, number>>;

/** From the main thread to a worker. */
export type WorkerRequest =
  | { readonly type: "apply"; readonly id: number; readonly snapshot: Snapshot; readonly bound: BoundPorts }
  | { readonly type: "tls"; readonly id: number; readonly material: TlsMaterial }
  | { readonly type: "drain"; readonly id: number; readonly timeout: number };

/** An error as it crosses threads: what people read, and the code for programs (EADDRINUSE …). */
export interface WorkerFailure {
  readonly message: string;
  readonly code?: string | undefined;
}

/** From a worker to the main thread. */
export type WorkerReport =
  | { readonly type: "done"; readonly id: number; readonly bound: BoundPorts }
  | { readonly type: "failed"; readonly id: number; readonly failure: WorkerFailure }
  /** A client asked for a name for which there is no certificate, but may be one (ACME on demand). */
  | { readonly type: "wanted"; readonly listener: string; readonly name: string }
  | { readonly type: "log"; readonly level: LogLevel; readonly message: string };
