import { clearWindow } from "./error-window.ts";
import type { HealthBoard } from "./health-board.ts";
import * as L from "./layout.ts";

/*
 * A server's failures in a row, over all workers. Failures add first and then write UNSETTLED; a success clears
 * UNSETTLED first and then the counts. So whatever happens at the same time, a count that is not 0 has UNSETTLED at 1,
 * and a success that reads 0 there has nothing to do.
 */

/** Counts one more in `cell`, and says so to successes; returns the count. */
export function countFailure(health: HealthBoard, slot: number, cell: number): number {
  const count = health.add(slot, cell, 1);
  health.write(slot, L.UNSETTLED, 1);
  return count;
}

/** Whether a success has anything to reset. A plain memory access. */
export function isUnsettled(health: HealthBoard, slot: number): boolean {
  return health.read(slot, L.UNSETTLED) !== 0;
}

/** A success: everything that counts failures in a row starts over. */
export function settle(health: HealthBoard, slot: number): void {
  health.write(slot, L.UNSETTLED, 0);
  health.write(slot, L.CONSECUTIVE_ERRORS, 0);
  health.write(slot, L.CONSECUTIVE_GATEWAY, 0);
  health.write(slot, L.CONNECT_DOUBTS, 0);
  health.write(slot, L.BREAKER_FAILURES, 0);
}

/** After a decision about an ejection: what led to it starts over, failures in the window as well. */
export function forgetFailures(health: HealthBoard, slot: number): void {
  health.write(slot, L.CONSECUTIVE_ERRORS, 0);
  health.write(slot, L.CONSECUTIVE_GATEWAY, 0);
  clearWindow(health, slot);
}
