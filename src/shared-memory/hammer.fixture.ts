import { parentPort, workerData } from "node:worker_threads";
import type { ScoreboardHandle } from "./memory.ts";
import { Scoreboard } from "./scoreboard.ts";

/** What one thread of scoreboard.test.ts does, and what it saw. */
export interface HammerTask {
  readonly handle: ScoreboardHandle;
  readonly worker: number;
  readonly rounds: number;
  readonly max: number;
}

const { handle, worker, rounds, max } = workerData as HammerTask;
const board = Scoreboard.attach(handle, worker);
let held = 0;
let over = 0;
for (let i = 0; i < rounds; i++) {
  board.begin(0);
  board.complete(0, 1, i % 4 !== 0, 200, i);
  board.addBytes(0, 3, 2);
  // Slot 1 is limited: at no moment may more than `max` be counted.
  if (board.tryBegin(1, max)) held++;
  if (board.inFlight(1) > max) over++;
  if (held > 0 && i % 3 !== 0) {
    board.end(1);
    held--;
  }
  if (i % 2 === 0) board.end(0);
  if (board.clients.tryAccept(0, max) && i % 5 !== 0) board.clients.closed(0);
}
const port = parentPort!;
port.postMessage({ held, over });
