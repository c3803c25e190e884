import { normaliseScales, slowStartScale, type SlowStart } from "../core/health/slow-start.ts";
import { takesNewWork } from "./health-flags.ts";
import type { Scoreboard } from "./scoreboard.ts";

/** A server that takes work at all gets some of it. */
const LEAST_SCALE = 0.001;

/** The scales of a pool's servers at one moment. */
export interface PoolScales {
  /** `Server.scale`, in the order of the slots; what checks say alone for servers that take no new work. */
  readonly scales: Float64Array;
  /** Some server is in slow start: the scales change with time. */
  readonly rising: boolean;
}

/** What slow start and degraded checks leave each server of a pool, relative to the one that has come up longest ago. */
export function poolScales(
  scoreboard: Scoreboard,
  slots: readonly number[],
  config: SlowStart,
  now: number,
): PoolScales {
  const ready = slots.map((slot) => takesNewWork(scoreboard.health.flags(slot)));
  const starting = Float64Array.from(
    slots.filter((_, index) => ready[index]),
    (slot) => slowStartScale(scoreboard.readySince(slot), now, config),
  );
  const rising = starting.some((scale) => scale < 1);
  normaliseScales(starting);
  let next = 0;
  const scales = Float64Array.from(slots, (slot, index) => {
    const scale = scoreboard.weightScale(slot) * (ready[index]! ? starting[next++]! : 1);
    return Math.max(LEAST_SCALE, scale);
  });
  return { scales, rising };
}
