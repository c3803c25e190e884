import type { Config } from "../../config/schema.ts";
import type { Snapshot } from "../../config/snapshot.ts";
import type { BalancingAlgorithm } from "../../core/balancing/balancer.ts";
import type { Clock } from "../../core/clock.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import type { DiscoveryStatus } from "../discovery/discovery-status.ts";
import type { AcmeStatus } from "../acme/acme-status.ts";
import type { CertificateManager } from "../certificates/certificate-manager.ts";
import type { NodeHealth } from "../health/node-health.ts";
import type { ReloadOutcome } from "../reload-outcome.ts";
import type { WorkerStatus } from "../worker-status.ts";

/** What the REST interface shows, and the little that it can do. Everything is read when it is asked for. */
export interface NodeState {
  /** Of the program. */
  readonly version: string;
  readonly clock: Clock;
  /** By `clock.now()`. */
  readonly startedAt: number;
  readonly scoreboard: Scoreboard;
  /** The snapshot in use; undefined before the first. */
  snapshot(): Snapshot | undefined;
  /** The configuration in use as it was written: without the servers that were found; undefined before the first. */
  config(): Config | undefined;
  /** How the source of a pool's servers is doing; undefined when it has none. */
  discovery(pool: string): DiscoveryStatus | undefined;
  /** Listener name → its URLs. */
  addresses(): Readonly<Record<string, readonly string[]>>;
  workers(): readonly WorkerStatus[];
  algorithms(): readonly BalancingAlgorithm[];
  /** True from the beginning of the drain. */
  draining(): boolean;
  /** Checks of servers and events about them. */
  readonly health: NodeHealth;
  /** Certificates that clients are shown. */
  readonly certificates: CertificateManager;
  /** Certificates that come by ACME, and how they are doing. */
  acme(): readonly AcmeStatus[];
  /** Reads the configuration again; undefined when it did not come from a file. */
  reload(): Promise<ReloadOutcome> | undefined;
}
