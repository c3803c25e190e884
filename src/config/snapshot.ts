import type { Config } from "./schema.ts";

/**
 * One immutable, versioned configuration as workers get it: plain data that survives structured cloning.
 * Made on the main thread only.
 */
export interface Snapshot {
  /** Grows by one with every applied configuration. */
  readonly version: number;
  readonly config: Config;
  /** Pool name → shared-memory slot of each of its servers, in the order of `config.pools[name].servers`. */
  readonly slots: Readonly<Record<string, readonly number[]>>;
  /** Absolute paths of the modules in `config.modules`. */
  readonly modules: readonly string[];
}
