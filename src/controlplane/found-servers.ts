import type { LoadedConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";

/** A loaded configuration without errors. */
export type UsableConfig = LoadedConfig & { readonly config: Config };

/** What adds to pools the servers that are found at run time. */
export interface FoundServers {
  /**
   * Starts what a configuration needs beside what runs already, and waits a short time for first answers. Rejects when
   * a source does not take its settings; nothing has changed then.
   */
  prepare(loaded: LoadedConfig): Promise<void>;
  /** The configuration with the servers that are known now; the same as it was where nothing is to be added. */
  complete(loaded: UsableConfig): Config;
  /** This configuration is in use: what others needed ends. */
  settle(loaded: UsableConfig): void;
}
