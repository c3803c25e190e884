import type { BalanceContext, Server } from "./balancer.ts";
import { SmoothRotation } from "./smooth-rotation.ts";
import { DeadlineRotation } from "./deadline-rotation.ts";

/** Up to this many servers the smooth rule scans all of them at each choice; beyond, a heap of deadlines is cheaper. */
export const smoothLimit = 64;

/**
 * A rotation in which each server's share of the turns is its weight: the smooth rule for small sets, earliest
 * deadline first for big ones. Positions survive updates of either kind as long as the size stays on one side of
 * `smoothLimit`.
 */
export class WeightedRotation {
  private readonly smooth: SmoothRotation;
  private readonly deadline: DeadlineRotation;
  private big = false;

  /** @param phase 0 ≤ phase < 1: how far into its cycle the rotation starts; different for each worker */
  constructor(phase: number) {
    this.smooth = new SmoothRotation(phase);
    this.deadline = new DeadlineRotation(phase);
  }

  /** Takes over servers and their weights (same order; all above 0; any finite numbers, not only integers). */
  set(servers: readonly Server[], weights: Float64Array): void {
    this.big = servers.length > smoothLimit;
    if (this.big) this.deadline.set(servers, weights);
    else this.smooth.set(servers, weights);
  }

  /** The server whose turn it is, or the next one that is not excluded; undefined when none is left. */
  next(context: BalanceContext): Server | undefined {
    return this.big ? this.deadline.next(context) : this.smooth.next(context);
  }
}
