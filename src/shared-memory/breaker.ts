import type { CircuitBreakerConfig } from "../config/pool-parts-schema.ts";
import { countFailure } from "./failure-counts.ts";
import type { HealthBoard } from "./health-board.ts";
import { HealthFlag } from "./health-flags.ts";
import * as L from "./layout.ts";

/*
 * The circuit breaker of each server, one for all workers (requirements 000 and 004; the pattern is M. Nygard's, Release
 * It!, 2007):
 *
 *   closed ── failureThreshold failures in a row ──▶ open ── recoveryTimeout ──▶ half-open
 *      ▲                                              ▲                              │
 *      │                                              └────── one failed trial ──────┤
 *      └──────────────── halfOpenRequests successful trials ─────────────────────────┘
 *
 * The state is two flags: breakerOpen, breakerTrial (half-open), or neither. The trials that run are counted from begin
 * to end whatever the breaker does meanwhile, so there are never more than halfOpenRequests of them.
 */

const { breakerOpen, breakerTrial } = HealthFlag;

/** May this request be a trial? Then it is counted, until `endTrial`, `trialSucceeded` or `trialFailed`. */
export function tryTrial(health: HealthBoard, slot: number, config: CircuitBreakerConfig): boolean {
  if ((health.flags(slot) & breakerTrial) === 0 || !health.tryTrial(slot, config.halfOpenRequests)) return false;
  // A trial may have failed just before this one was counted.
  if ((health.flags(slot) & breakerTrial) !== 0) return true;
  health.endTrial(slot);
  return false;
}

/** A trial got its answer; enough of them close the breaker. */
export function trialSucceeded(health: HealthBoard, slot: number, config: CircuitBreakerConfig, now: number): void {
  if ((health.flags(slot) & breakerTrial) !== 0) {
    const successes = health.add(slot, L.BREAKER_SUCCESSES, 1);
    if (successes >= config.halfOpenRequests) close(health, slot, now);
  }
  // Last: until the verdict stands, no further trial takes its place.
  health.endTrial(slot);
}

/** A trial failed: the breaker opens again. If it has been closed meanwhile, this is a failure as any other. */
export function trialFailed(health: HealthBoard, slot: number, config: CircuitBreakerConfig, now: number): void {
  if ((health.flags(slot) & breakerTrial) !== 0) open(health, slot, config, breakerTrial, now);
  else breakerFailed(health, slot, config, now);
  health.endTrial(slot);
}

/** A failure of a request that is no trial; enough in a row open a closed breaker, others do not mind. */
export function breakerFailed(health: HealthBoard, slot: number, config: CircuitBreakerConfig, now: number): void {
  if ((health.flags(slot) & (breakerOpen | breakerTrial)) !== 0) return;
  if (countFailure(health, slot, L.BREAKER_FAILURES) >= config.failureThreshold) open(health, slot, config, 0, now);
}

/** No connection could be made just now, whoever wanted it: in half-open that is as good as a failed trial. */
export function breakerConnectFailed(
  health: HealthBoard,
  slot: number,
  config: CircuitBreakerConfig,
  now: number,
): void {
  if ((health.flags(slot) & breakerTrial) !== 0) open(health, slot, config, breakerTrial, now);
  else breakerFailed(health, slot, config, now);
}

/** Makes an open breaker half-open if its time is over. True for the one caller that did. */
export function halfOpen(health: HealthBoard, slot: number, now: number): boolean {
  if (health.breakerUntil(slot) > now || !health.lock()) return false;
  try {
    if ((health.flags(slot) & breakerOpen) === 0 || health.breakerUntil(slot) > now) return false;
    health.write(slot, L.BREAKER_SUCCESSES, 0);
    return health.update(slot, breakerTrial, breakerOpen, now);
  } finally {
    health.unlock();
  }
}

/** Closes a breaker whatever its state: the pool has none any more. */
export function dropBreaker(health: HealthBoard, slot: number, now: number): void {
  health.write(slot, L.BREAKER_FAILURES, 0);
  health.clear(slot, breakerOpen | breakerTrial, now);
}

function close(health: HealthBoard, slot: number, now: number): void {
  const locked = health.lock();
  try {
    health.write(slot, L.BREAKER_FAILURES, 0);
    health.clear(slot, breakerTrial, now);
  } finally {
    if (locked) health.unlock();
  }
}

/** @param from the flag of the state that it opens from; when another thread has left that state, nothing happens */
function open(health: HealthBoard, slot: number, config: CircuitBreakerConfig, from: number, now: number): void {
  // Without the lock two threads could open it at once, which is one opening counted twice; not to open it would be worse.
  const locked = health.lock();
  try {
    if ((health.flags(slot) & (breakerOpen | breakerTrial)) !== from) return;
    health.write(slot, L.BREAKER_FAILURES, 0);
    // Before the flag: whoever sees the flag goes by the time.
    health.setBreakerUntil(slot, now + config.recoveryTimeout);
    health.add(slot, L.BREAKER_OPENINGS, 1);
    health.update(slot, breakerOpen, breakerTrial, now);
  } finally {
    if (locked) health.unlock();
  }
}
