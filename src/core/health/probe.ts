import type { TSchema } from "typebox";
import type { Clock } from "../clock.ts";

/** Where a health check goes. */
export type ProbeAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** The server that is checked. */
export interface ProbeTarget {
  /** Where to connect: the server's own address, or that of the check. */
  readonly address: ProbeAddress;
  /** The server's id and pool, for what is said about it. */
  readonly server: string;
  readonly pool: string;
}

/** What one check found out. */
export interface ProbeResult {
  /** degraded: it works, but says itself that it is not well. A slow answer is the monitor's to judge. */
  readonly outcome: "healthy" | "degraded" | "unhealthy";
  /** One line for people: `status 503, expected 200-299`. Always there unless the server is healthy. */
  readonly reason?: string | undefined;
  /** True when nothing answered there at all (refused, no route, no answer in time), so that the server is surely gone. */
  readonly unreachable?: boolean | undefined;
  /** Utilisation (0..1, may exceed 1) that the answer reported, for `resource_based` and its like. */
  readonly utilisation?: number | undefined;
  /** Further findings for people and the API, such as `role`, `status` or `certificateExpires`. Small. */
  readonly details?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** What a probe is given for one check. */
export interface ProbeContext {
  /** Milliseconds that the whole check may take. The monitor takes no answer after that. */
  readonly timeout: number;
  /** Fires when the time is over or nobody wants the result any more: everything must be closed then. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** One kind of health check: an entry of the probe registry, or what a module brings (`defineProbe`). */
export interface ProbeDefinition<Settings = unknown> {
  readonly kind: "probe";
  /** The value of `healthCheck.type`, in lower case. */
  readonly name: string;
  /** One sentence for documentation and the API. */
  readonly summary: string;
  /** The probe's own settings, which stand beside `type` (a TypeBox object with defaults). */
  readonly schema: TSchema;
  /** Why settings that the schema allows make no sense together, or undefined when they do. */
  problem?(settings: Settings): string | undefined;
  /**
   * Makes one check. What it finds wrong with the server is a result; it rejects only for what is not the server's
   * fault (the monitor then counts the check as failed and shows the message). Called for many servers at a time.
   */
  run(target: ProbeTarget, settings: Settings, context: ProbeContext): Promise<ProbeResult>;
}
