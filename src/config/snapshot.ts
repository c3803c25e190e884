import type { Config } from "./schema.ts";
import type { SlotTable } from "./slots.ts";

/**
 * One immutable, versioned configuration as workers get it: plain data that survives structured cloning.
 * Made on the main thread only.
 */
export interface Snapshot {
  /** Grows by one with every applied configuration. */
  readonly version: number;
  readonly config: Config;
  /** Pool name → shared-memory slot of each of its servers, in the order of `config.pools[name].servers`. */
  readonly slots: SlotTable;
  /** Absolute paths of the modules in `config.modules`. */
  readonly modules: readonly string[];
}

/** A deeply frozen snapshot of its own copy of the configuration. `slots` come from `SlotAllocator.assign`. */
export function createSnapshot(
  version: number,
  config: Config,
  slots: SlotTable,
  modules: readonly string[],
): Snapshot {
  return freezeDeeply(structuredClone({ version, config, slots, modules }));
}

function freezeDeeply<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null) {
    for (const item of Object.values(value)) freezeDeeply(item);
    Object.freeze(value);
  }
  return value;
}
