import { parentPort, workerData } from "node:worker_threads";
import { seededRandom } from "../core/random.ts";
import { breakerFailed, halfOpen, trialFailed, trialSucceeded, tryTrial } from "./breaker.ts";
import { eject, endEjection } from "./ejection.ts";
import { countInWindow } from "./error-window.ts";
import { countFailure } from "./failure-counts.ts";
import { PassiveReason } from "./health-board.ts";
import { HealthFlag } from "./health-flags.ts";
import * as L from "./layout.ts";
import type { ScoreboardHandle } from "./memory.ts";
import { poolConfig } from "./pool-config.fixture.ts";
import { Scoreboard } from "./scoreboard.ts";

/** What one thread of verdicts.test.ts does. */
export interface VerdictTask {
  readonly handle: ScoreboardHandle;
  /** An integer: how many threads are still to come before all begin. */
  readonly start: SharedArrayBuffer;
  readonly worker: number;
  readonly rounds: number;
  readonly slots: readonly number[];
  /** Limits that must hold at each moment. */
  readonly maxEjected: number;
  readonly maxTrials: number;
}

/** What it saw: ejections, returns and trials that were its own, and how often a limit was exceeded. */
export interface VerdictCounts {
  ejected: number;
  returned: number;
  tooMany: number;
  trials: number;
}

const { handle, start, worker, rounds, slots, maxEjected, maxTrials } = workerData as VerdictTask;
const scoreboard = Scoreboard.attach(handle, worker);
const { health } = scoreboard;
const random = seededRandom(worker);
const config = poolConfig({ outlierDetection: { maxEjected: maxEjected / slots.length, ejectionTime: 1 } });
const breaker = { failureThreshold: 3, recoveryTimeout: 1, halfOpenRequests: maxTrials };
const counts: VerdictCounts = { ejected: 0, returned: 0, tooMany: 0, trials: 0 };

// Slot 0 counts and takes trials, slot 1 has the breaker, the others are ejected and brought back. Each round is a millisecond later.
const held: number[] = [];
// Spinning, so that both begin at the same moment.
const missing = new Int32Array(start);
Atomics.sub(missing, 0, 1);
while (Atomics.load(missing, 0) > 0);
for (let now = 1; now <= rounds; now++) {
  countFailure(health, 0, L.CONSECUTIVE_ERRORS);
  countInWindow(health, 0, rounds * 10, now);

  const slot = slots[Math.floor(random() * slots.length)]!;
  const reason = PassiveReason.consecutiveErrors;
  if (eject({ scoreboard, slots, slot, config, reason, now, random })) counts.ejected++;
  // With the lock, because one may return and another go while they are counted.
  if (health.lock()) {
    let out = 0;
    for (const one of slots) if ((health.flags(one) & HealthFlag.ejected) !== 0) out++;
    if (out > maxEjected) counts.tooMany++;
    health.unlock();
  }
  for (const one of slots) {
    if ((health.flags(one) & HealthFlag.ejected) !== 0 && endEjection(health, one, now)) counts.returned++;
  }

  if (health.tryTrial(0, maxTrials)) {
    if (health.read(0, L.BREAKER_TRIALS) > maxTrials) counts.tooMany++;
    health.endTrial(0);
  }
  if (tryTrial(health, 1, breaker)) {
    counts.trials++;
    held.push(now);
  }
  if (health.read(1, L.BREAKER_TRIALS) > maxTrials) counts.tooMany++;
  if (held.length > 0 && random() < 0.6) {
    held.pop();
    if (random() < 0.3) trialFailed(health, 1, breaker, now);
    else trialSucceeded(health, 1, breaker, now);
  }
  if (random() < 0.5) breakerFailed(health, 1, breaker, now);
  halfOpen(health, 1, now);
}
for (const _ of held) health.endTrial(1);
const port = parentPort!;
port.postMessage(counts);
