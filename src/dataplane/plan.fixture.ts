import { normaliseConfig } from "../config/normalise.ts";
import { createSnapshot, type Snapshot } from "../config/snapshot.ts";
import { SlotAllocator } from "../config/slots.ts";
import type { Extensions } from "../config/extensions.ts";
import { algorithms } from "../core/balancing/registry.ts";
import { filters } from "./filters/registry.ts";
import { compilePlan, type Plan } from "./plan.ts";
import type { WorkerContext } from "./worker-context.ts";

/** A snapshot of a configuration as people write it. Throws what is wrong with it. */
export function snapshotOf(
  input: Readonly<Record<string, unknown>>,
  own: Extensions = { algorithms: [], filters: [] },
  slots = new SlotAllocator(16),
): Snapshot {
  const extensions = { algorithms: [...algorithms, ...own.algorithms], filters: [...filters, ...own.filters] };
  const result = normaliseConfig(input, { extensions });
  if (result.config === undefined) throw new Error(result.problems.map((problem) => problem.message).join("; "));
  return createSnapshot(1, result.config, slots.assign(result.config.pools).slots, []);
}

/** A plan of one worker. The first listener is usually all that a test wants: `planOf(…).listeners.get("web")`. */
export function planOf(
  input: Readonly<Record<string, unknown>>,
  context: WorkerContext,
  own: Extensions = { algorithms: [], filters: [] },
  previous: Plan | null = null,
): Plan {
  return compilePlan(snapshotOf(input, own), own, context, previous);
}

/** A configuration with one listener "web" and one pool "web". */
export function webConfig(
  servers: readonly unknown[],
  pool: Readonly<Record<string, unknown>> = {},
  listener: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const to = "routes" in listener ? {} : { pool: "web" };
  return {
    listeners: { web: { listen: "127.0.0.1:0", ...to, ...listener } },
    pools: { web: { servers, ...pool } },
  };
}
