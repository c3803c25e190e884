import type { TSchema } from "typebox";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";

/** A server as a source of discovery knows it. What is undefined comes from the pool's defaults. */
export interface DiscoveredServer {
  /** As in the configuration: host:port, [v6]:port or unix:/path. */
  readonly address: string;
  readonly id?: string | undefined;
  readonly weight?: number | undefined;
  readonly priority?: number | undefined;
  readonly zone?: string | undefined;
  readonly maxConnections?: number | undefined;
  readonly backup?: boolean | undefined;
  readonly checkAddress?: string | undefined;
}

/** What a source tells while it runs. */
export interface DiscoveryListener {
  /**
   * The complete list that holds from now on. An empty one is believed: the source decides when it may be empty.
   *
   * @param missing why servers are missing that should be in it, in one line for people
   */
  servers(list: readonly DiscoveredServer[], missing?: string): void;
  /** It could not be asked; what was known goes on to hold. One line for people. */
  failed(reason: string): void;
}

/** A running source; `close` ends it at once. */
export interface DiscoveryWatch {
  close(): void;
  /** Asks now instead of at the next turn. */
  refresh(): void;
}

export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Relative paths start here. */
  readonly baseDir: string;
  log(level: "debug" | "info" | "warn" | "error", message: string): void;
}

/** One kind of discovery: an entry of the registry, or what a module brings (`defineDiscovery`). */
export interface DiscoveryDefinition<Settings = unknown> {
  readonly kind: "discovery";
  /** The value of `discovery.type`, in lower case. */
  readonly name: string;
  readonly summary: string;
  readonly schema: TSchema;
  /** Why settings that are right one by one do not go together, for the configuration's problems; undefined: they do. */
  problem?(settings: Settings): string | undefined;
  /** Starts to watch. Everything that goes wrong later is told by `failed`; it throws for settings that make no sense. */
  watch(settings: Settings, listener: DiscoveryListener, deps: DiscoveryDeps): DiscoveryWatch;
}
