import type { Clock } from "../core/clock.ts";

/*
 * `performance.now()` counts from the start of its own thread, so two threads cannot compare it. `process.hrtime` reads
 * CLOCK_MONOTONIC, which all threads share, but costs an array or a BigInt per call. So the difference of the two is
 * taken once per thread; what remains is off by the microseconds between the two readings.
 */
const origin = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds on the machine's monotonic clock: equal moments give equal values in every thread of the process. */
export const systemClock: Clock = { now: () => origin + performance.now(), wall: () => Date.now() };
