import { takesNewWork } from "./health-flags.ts";
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
} as const;
export type PassiveReason = (typeof PassiveReason)[keyof typeof PassiveReason];

/**
 * The health of each server, shared by all threads: flags with compare-and-swap, so that each change is seen by exactly
 * one of those who try it, and the times that go with them. `now` is `Clock.now()`.
 */
export class HealthBoard {
  readonly #globals: Int32Array<SharedArrayBuffer>;
  readonly #ints: Int32Array<SharedArrayBuffer>;
  readonly #doubles: Float64Array<SharedArrayBuffer>;

  constructor(handle: ScoreboardHandle) {
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

  /** When the ejection (or the time of an unreachable server) is over; NaN for none. */
  ejectedUntil(slot: number): number {
    return this.#double(slot, L.EJECTED_UNTIL);
  }

  setEjectedUntil(slot: number, until: number): void {
    this.#doubles[slot * L.SERVER_DOUBLES + L.EJECTED_UNTIL] = until;
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

  /** Forgets everything, for a slot that another server gets. */
  reset(slot: number): void {
    this.#ints.fill(0, slot * L.SERVER_INTS + L.HEALTH_FLAGS, (slot + 1) * L.SERVER_INTS);
  }

  #double(slot: number, place: number): number {
    return this.#doubles[slot * L.SERVER_DOUBLES + place]! || NaN;
  }
}
