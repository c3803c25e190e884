import type { Running } from "../processes.ts";

/** PEM files of the certificate that every contestant shows. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** Both in one file. */
  readonly bundle: string;
}

/** What a contestant is started with. */
export interface Setting {
  /** Port of 127.0.0.1 to listen on. */
  readonly port: number;
  /** A second free port, for an admin listener. */
  readonly adminPort: number;
  /** TLS on the port, with this certificate; HTTP/2 is offered by ALPN. Undefined: no TLS, but HTTP/2 by prior knowledge where the contestant knows that. */
  readonly secure: Certificate | undefined;
  /** Ports of 127.0.0.1 where the origin answers. */
  readonly origins: readonly number[];
  /** An empty directory of its own. */
  readonly directory: string;
  /** Processor to be pinned to. */
  readonly cpu: number | undefined;
  /** Processor of load generator and origin. */
  readonly loadCpu: number | undefined;
}

/** A proxy that is measured. One file and one line in registry.ts each. */
export interface Contestant {
  readonly name: string;
  readonly summary: string;
  /** Seconds of load before the first round; what compiles while it runs needs longer. */
  readonly warmup: number;
  /** A yardstick that takes only part in workloads that are marked for peers, unless it is asked for by name. */
  readonly peer?: boolean;
  /** Whether it takes part in the workload of that name, unless it is asked for by name; all when absent. */
  readonly onlyFor?: (workload: string) => boolean;
  /** Programs on the PATH without which it cannot run. */
  readonly programs?: readonly string[];
  /** Starts it; `undefined` when load goes to the origin directly. Rejects when it does not come up. */
  start(setting: Setting): Promise<Running | undefined>;
}
