import { takeBack, tryIncrement } from "./cells.ts";
import { HealthFlag, takesNewWork } from "./health-flags.ts";
import * as L from "./layout.ts";
import type { ScoreboardHandle } from "./memory.ts";

/** Why traffic speaks against a server; kept beside the flags so that the control plane can say it. */
export const PassiveReason = {
  none: 0,
  consecutiveErrors: 1,
  gatewayErrors: 2,
  errorWindow: 3,
  silence: 4,
  refused: 5,
  connectTimeout: 6,
  unreachable: 7,
  successRate: 8,
  failurePercentage: 9,
  latency: 10,
  /** No connection can be made, although one of TCP can: TLS or HTTP/2 does not come about. */
  handshake: 11,
} as const;
export type PassiveReason = (typeof PassiveReason)[keyof typeof PassiveReason];

/** How often `lock` waits for 1 ms. */
const LOCK_ROUNDS = 5;

/**
 * The health of each server, shared by all threads: flags with compare-and-swap, so that each change is seen by exactly
 * one of those who try it, and the times that go with them. `now` is `Clock.now()`.
 */
export class HealthBoard {
  readonly #handle: ScoreboardHandle;
  readonly #worker: number;
  readonly #globals: Int32Array<SharedArrayBuffer>;
  readonly #ints: Int32Array<SharedArrayBuffer>;
  readonly #doubles: Float64Array<SharedArrayBuffer>;
  /** This thread's running trials, by slot. */
  readonly #trials: Int32Array<SharedArrayBuffer>;

  /** @param worker the lane of this thread, as `Scoreboard.worker` */
  constructor(handle: ScoreboardHandle, worker: number) {
    this.#handle = handle;
    this.#worker = worker;
    this.#trials = trialLane(handle, worker);
    this.#globals = new Int32Array(handle.globals);
    this.#ints = new Int32Array(handle.serverCells);
    this.#doubles = new Float64Array(handle.serverCells);
  }

  /** The server's `HealthFlag`s. A plain memory access. */
  flags(slot: number): number {
    return this.#ints[slot * L.SERVER_INTS + L.HEALTH_FLAGS]!;
  }

  /** Sets and clears flags in one step. True for the one caller that changed something. */
  update(slot: number, set: number, clear: number, now: number): boolean {
    const cell = slot * L.SERVER_INTS + L.HEALTH_FLAGS;
    for (;;) {
      const before = Atomics.load(this.#ints, cell);
      const after = (before & ~clear) | set;
      if (after === before) return false;
      const becomesReady = !takesNewWork(before) && takesNewWork(after);
      if ((before & ~after & HealthFlag.unreachable) !== 0) this.setUnreachableUntil(slot, 0);
      if (becomesReady) this.#doubles[slot * L.SERVER_DOUBLES + L.READY_SINCE] = now;
      if (Atomics.compareExchange(this.#ints, cell, before, after) !== before) continue;
      this.#doubles[slot * L.SERVER_DOUBLES + L.FLAGS_AT] = now;
      Atomics.add(this.#globals, L.STATE_VERSION, 1);
      return true;
    }
  }

  set(slot: number, flags: number, now: number): boolean {
    return this.update(slot, flags, 0, now);
  }

  clear(slot: number, flags: number, now: number): boolean {
    return this.update(slot, 0, flags, now);
  }

  /** When the flags changed last; NaN for never. */
  changedAt(slot: number): number {
    return this.#double(slot, L.FLAGS_AT);
  }

  /** Why traffic spoke against the server last. */
  reason(slot: number): PassiveReason {
    return this.#ints[slot * L.SERVER_INTS + L.PASSIVE_REASON] as PassiveReason;
  }

  setReason(slot: number, reason: PassiveReason): void {
    this.#ints[slot * L.SERVER_INTS + L.PASSIVE_REASON] = reason;
  }

  /** When the ejection is over, or was; NaN for none. */
  ejectedUntil(slot: number): number {
    return this.#double(slot, L.EJECTED_UNTIL);
  }

  setEjectedUntil(slot: number, until: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.EJECTED_UNTIL] = until;
  }

  /** When its last ejection began; NaN for never. */
  ejectedAt(slot: number): number {
    return this.#double(slot, L.EJECTED_AT);
  }

  setEjectedAt(slot: number, at: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.EJECTED_AT] = at;
  }

  /** When a server that traffic found unreachable is tried again; NaN when it is not for traffic to say. */
  unreachableUntil(slot: number): number {
    return this.#double(slot, L.UNREACHABLE_UNTIL);
  }

  setUnreachableUntil(slot: number, until: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.UNREACHABLE_UNTIL] = until;
  }

  /** When any worker last heard anything from the server, as far as workers told; NaN for never. */
  heardAt(slot: number): number {
    return this.#double(slot, L.HEARD_AT);
  }

  setHeardAt(slot: number, at: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.HEARD_AT] = at;
  }

  /** Until when a server that comes and goes stays unreachable whatever is found; NaN for never. */
  absentUntil(slot: number): number {
    return this.#double(slot, L.ABSENT_UNTIL);
  }

  setAbsentUntil(slot: number, until: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.ABSENT_UNTIL] = until;
  }

  /** When an open breaker lets trials through; NaN for never. */
  breakerUntil(slot: number): number {
    return this.#double(slot, L.BREAKER_UNTIL);
  }

  setBreakerUntil(slot: number, until: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.BREAKER_UNTIL] = until;
  }

  /** When what a draining server still has is closed; NaN for never. Set it before the flag. */
  drainUntil(slot: number): number {
    return this.#double(slot, L.DRAIN_UNTIL);
  }

  setDrainUntil(slot: number, until: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.DRAIN_UNTIL] = until;
  }

  /** Asks all workers to close every connection to the server now; they notice by `stateVersion`. */
  kill(slot: number): void {
    Atomics.add(this.#ints, slot * L.SERVER_INTS + L.KILL_EPOCH, 1);
    Atomics.add(this.#globals, L.STATE_VERSION, 1);
  }

  /** Grows with each `kill`. */
  killEpoch(slot: number): number {
    return this.#ints[slot * L.SERVER_INTS + L.KILL_EPOCH]!;
  }

  /** A cell of one server's failure counters (layout.ts), atomically. For passive detection. */
  add(slot: number, cell: number, by: number): number {
    return Atomics.add(this.#ints, slot * L.SERVER_INTS + cell, by) + by;
  }

  read(slot: number, cell: number): number {
    return this.#ints[slot * L.SERVER_INTS + cell]!;
  }

  write(slot: number, cell: number, value: number): void {
    Atomics.store(this.#ints, slot * L.SERVER_INTS + cell, value);
  }

  /** Writes `value` if the cell is `expected`; true when it did. */
  exchange(slot: number, cell: number, expected: number, value: number): boolean {
    return Atomics.compareExchange(this.#ints, slot * L.SERVER_INTS + cell, expected, value) === expected;
  }

  /**
   * Counts a trial of a half-open breaker, unless `max` are running over all workers. Each that was counted needs one
   * `endTrial` of the same thread; those of a dead worker are taken back by `reclaim`.
   */
  tryTrial(slot: number, max: number): boolean {
    if (!tryIncrement(this.#ints, slot * L.SERVER_INTS + L.BREAKER_TRIALS, max)) return false;
    this.#trials[slot]! += 1;
    return true;
  }

  endTrial(slot: number): void {
    Atomics.sub(this.#ints, slot * L.SERVER_INTS + L.BREAKER_TRIALS, 1);
    this.#trials[slot]! -= 1;
  }

  /**
   * Verdicts that depend on several cells or servers (ejections within limits, states of a breaker) are changed by one
   * thread at a time. Whoever has the lock keeps it for microseconds and calls `unlock`. Waits a few ms at most: false
   * when another thread has it for longer, which means that it died with it; `reclaim` takes it from a dead worker.
   */
  lock(): boolean {
    for (let round = 0; round < LOCK_ROUNDS; round++) {
      const holder = Atomics.compareExchange(this.#globals, L.VERDICT_LOCK, 0, this.#worker + 1);
      if (holder === 0) return true;
      Atomics.wait(this.#globals, L.VERDICT_LOCK, holder, 1);
    }
    return false;
  }

  unlock(): void {
    this.#unlockFor(this.#worker);
  }

  /** Takes back a dead worker's trials, and the lock if it had it; main thread only. */
  reclaim(worker: number): void {
    const lane = trialLane(this.#handle, worker);
    for (let slot = 0; slot < lane.length; slot++) {
      takeBack(this.#ints, slot * L.SERVER_INTS + L.BREAKER_TRIALS, lane, slot);
    }
    this.#unlockFor(worker);
  }

  /** Forgets everything but running trials, for a slot that another server gets. */
  reset(slot: number): void {
    const start = slot * L.SERVER_INTS;
    this.#ints.fill(0, start + L.HEALTH_FLAGS, start + L.BREAKER_TRIALS);
    this.#ints.fill(0, start + L.BREAKER_TRIALS + 1, start + L.SERVER_INTS);
  }

  #unlockFor(worker: number): void {
    if (Atomics.compareExchange(this.#globals, L.VERDICT_LOCK, worker + 1, 0) !== worker + 1) return;
    Atomics.notify(this.#globals, L.VERDICT_LOCK, 1);
  }

  #double(slot: number, place: number): number {
    return this.#doubles[slot * L.SERVER_DOUBLES + place]! || NaN;
  }
}

function trialLane(handle: ScoreboardHandle, worker: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(handle.trialLanes, worker * handle.servers * 4, handle.servers);
}
