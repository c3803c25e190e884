import * as L from "./layout.ts";
import type { ScoreboardHandle } from "./memory.ts";

/** Signs of life of each worker, written by the worker and read by the main thread. */
export class WorkerBoard {
  readonly #cells: Float64Array<SharedArrayBuffer>;
  readonly #mine: number;

  constructor(handle: ScoreboardHandle, worker: number) {
    this.#cells = new Float64Array(handle.workerLanes);
    this.#mine = worker * L.WORKER_LANE;
  }

  /** This worker's event loop turns: call it from a timer, with the shared clock's time. */
  beat(now: number): void {
    this.#cells[this.#mine + L.HEARTBEAT] = now;
  }

  /** When the worker last beat; 0 when it has not begun. */
  beatAt(worker: number): number {
    return this.#cells[worker * L.WORKER_LANE + L.HEARTBEAT]!;
  }

  /** This worker now runs the plan of this snapshot version. */
  setPlanVersion(version: number): void {
    this.#cells[this.#mine + L.PLAN_VERSION] = version;
  }

  /** Version of the plan that the worker runs; 0 for none yet. */
  planVersion(worker: number): number {
    return this.#cells[worker * L.WORKER_LANE + L.PLAN_VERSION]!;
  }

  /** A turn of this worker's event loop came this many ms late; the longest since the last read is kept. */
  loopDelayed(delay: number): void {
    const cell = this.#mine + L.LOOP_DELAY;
    if (delay > this.#cells[cell]!) this.#cells[cell] = delay;
  }

  /** Longest delay of the worker's event loop in ms since the last call, which it resets (a delay in between may be lost). */
  takeLoopDelay(worker: number): number {
    const cell = worker * L.WORKER_LANE + L.LOOP_DELAY;
    const delay = this.#cells[cell]!;
    this.#cells[cell] = 0;
    return delay;
  }

  /** Clears the cells of a worker that is dead, so that its successor is not taken for it. */
  reset(worker: number): void {
    this.#cells.fill(0, worker * L.WORKER_LANE, (worker + 1) * L.WORKER_LANE);
  }
}
