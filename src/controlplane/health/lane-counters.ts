import * as L from "../../shared-memory/layout.ts";
import type { ScoreboardHandle } from "../../shared-memory/memory.ts";

/** What all workers have counted for a server since its slot was taken. */
export interface ServerCounts {
  requests: number;
  errors: number;
  /** Answers with a latency, and the sum of their latencies in ms. */
  answers: number;
  latency: number;
  /** Answers that were slower than what `Scoreboard.setSlowLimit` says. */
  slow: number;
}

/** Reads the four counters that servers are compared by, for thousands of servers several times a second. */
export class LaneCounters {
  readonly #lanes: Float64Array<SharedArrayBuffer>;
  readonly #count: number;
  readonly #stride: number;

  constructor(handle: ScoreboardHandle) {
    this.#lanes = new Float64Array(handle.serverLanes);
    this.#count = handle.workers + 1;
    this.#stride = handle.servers * L.SERVER_LANE;
  }

  read(slot: number, into: ServerCounts): void {
    const cells = this.#lanes;
    into.requests = into.errors = into.answers = into.latency = into.slow = 0;
    for (let lane = 0, at = slot * L.SERVER_LANE; lane < this.#count; lane++, at += this.#stride) {
      into.requests += cells[at + L.LANE_REQUESTS]!;
      into.errors += cells[at + L.LANE_ERRORS]!;
      into.answers += cells[at + L.LANE_LATENCY_COUNT]!;
      into.latency += cells[at + L.LANE_LATENCY_TOTAL]!;
      into.slow += cells[at + L.LANE_SLOW]!;
    }
  }
}
