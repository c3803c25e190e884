import { planTiers, type TierConfig, type TierPlan, type TierServer } from "../core/balancing/tiers.ts";
import type { HealthBoard } from "./health-board.ts";
import { mayBeTried, takesNewWork } from "./health-flags.ts";

/**
 * How the requests of a pool are divided, by what the flags of its servers say now. Every thread comes to the same
 * plan, so the control plane can tell what workers do.
 */
export function planPool<S extends TierServer>(
  version: number,
  servers: readonly S[],
  health: HealthBoard,
  config: TierConfig,
): TierPlan<S> {
  const view = {
    isReady: ({ slot }: S) => takesNewWork(health.flags(slot)),
    mayBeTried: ({ slot }: S) => mayBeTried(health.flags(slot)),
  };
  return planTiers(version, servers, view, config);
}
