import type { HealthBoard } from "./health-board.ts";
import { WINDOW_ERRORS, WINDOW_SLICES } from "./layout.ts";

/*
 * Failures of a server within a sliding window of time, exact over all workers without a lock. The window is cut into
 * 8 slices; each has a cell that holds the slice's number (upper 15 bits) and its count (lower 17). Whoever comes first
 * in a new slice replaces what the cell held from eight slices before. The window that is seen reaches from 7/8 of its
 * length to all of it into the past: never further.
 *
 * Numbers of slices repeat after 32,768 slices, which is 4,096 windows (68 hours of 60 s windows): a failure of that
 * age, to within a window, may be counted as if it were new.
 */

const COUNT_BITS = 17;
const MAX_COUNT = (1 << COUNT_BITS) - 1;
const NUMBERS = 1 << 15;

/** Counts a failure now; returns how many there are in the window, with this one. */
export function countInWindow(health: HealthBoard, slot: number, window: number, now: number): number {
  const slice = sliceAt(window, now);
  const cell = WINDOW_ERRORS + (slice % WINDOW_SLICES);
  for (;;) {
    const before = health.read(slot, cell);
    const age = ageOf(before, slice);
    const same = before !== 0 && (age === 0 || isAhead(age));
    const count = before & MAX_COUNT;
    const after = same ? before + (count < MAX_COUNT ? 1 : 0) : (slice << COUNT_BITS) | 1;
    if (health.exchange(slot, cell, before, after)) break;
  }
  return errorsInWindow(health, slot, window, now);
}

/** How many failures of the server are in the window that ends now. */
export function errorsInWindow(health: HealthBoard, slot: number, window: number, now: number): number {
  const slice = sliceAt(window, now);
  let sum = 0;
  for (let i = 0; i < WINDOW_SLICES; i++) {
    const value = health.read(slot, WINDOW_ERRORS + i);
    const age = ageOf(value, slice);
    if (age < WINDOW_SLICES || isAhead(age)) sum += value & MAX_COUNT;
  }
  return sum;
}

/** Forgets all of them. */
export function clearWindow(health: HealthBoard, slot: number): void {
  for (let i = 0; i < WINDOW_SLICES; i++) health.write(slot, WINDOW_ERRORS + i, 0);
}

/** Number of the slice of time that `now` is in, modulo 2^15. */
function sliceAt(window: number, now: number): number {
  return Math.floor((now * WINDOW_SLICES) / window) % NUMBERS;
}

/** Another thread may be a little ahead in time; its slice is as good as this thread's. */
function isAhead(age: number): boolean {
  return age > NUMBERS - WINDOW_SLICES;
}

/** How many slices before `slice` the cell's one was, modulo 2^15. */
function ageOf(value: number, slice: number): number {
  return (slice - (value >>> COUNT_BITS)) & (NUMBERS - 1);
}
