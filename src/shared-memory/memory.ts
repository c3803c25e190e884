import { LISTENER_INTS, LISTENER_LANE, LINE, MAX_LISTENERS, SERVER_BYTES, SERVER_LANE, WORKER_LANE } from "./layout.ts";
import { BUCKETS } from "./histogram.ts";

/** The memory of a scoreboard: what a worker needs to attach to it. Survives structured cloning; nothing is copied. */
export interface ScoreboardHandle {
  /** Places for servers, and threads with a lane of their own besides the main thread. */
  readonly servers: number;
  readonly workers: number;
  readonly globals: SharedArrayBuffer;
  /** Shared cells, one block per server and per listener. */
  readonly serverCells: SharedArrayBuffer;
  readonly listenerCells: SharedArrayBuffer;
  /** Lanes, one stretch per worker (the main thread has the last one). */
  readonly serverLanes: SharedArrayBuffer;
  readonly listenerLanes: SharedArrayBuffer;
  /** Each worker's share of the breakers' running trials, an integer per server. */
  readonly trialLanes: SharedArrayBuffer;
  readonly workerLanes: SharedArrayBuffer;
  readonly histograms: SharedArrayBuffer;
}

/** Sizes that are fixed for the life of the process. */
export interface ScoreboardSize {
  readonly servers: number;
  readonly workers: number;
}

/** Allocates the memory. Pages that are never touched cost address space only. */
export function allocate({ servers, workers }: ScoreboardSize): ScoreboardHandle {
  const lanes = workers + 1;
  return {
    servers,
    workers,
    globals: new SharedArrayBuffer(LINE),
    serverCells: new SharedArrayBuffer(servers * SERVER_BYTES),
    listenerCells: new SharedArrayBuffer(MAX_LISTENERS * LISTENER_INTS * 4),
    serverLanes: new SharedArrayBuffer(lanes * servers * SERVER_LANE * 8),
    listenerLanes: new SharedArrayBuffer(lanes * MAX_LISTENERS * LISTENER_LANE * 8),
    trialLanes: new SharedArrayBuffer(lanes * servers * 4),
    workerLanes: new SharedArrayBuffer(lanes * WORKER_LANE * 8),
    histograms: new SharedArrayBuffer(lanes * MAX_LISTENERS * BUCKETS * 4),
  };
}
