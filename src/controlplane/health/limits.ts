/** Checks that run at the same time on one node. What is due beyond that waits, the longest due first. */
export const MAX_CONCURRENT_CHECKS = 512;

/** Results per server that are kept in memory and shown. */
export const HISTORY_PER_SERVER = 100;

/** Results that wait for the store; when it is full, the oldest are given up. */
export const MAX_QUEUED_RESULTS = 50_000;

/** Results that the store gets at a time, and how often, in ms. */
export const STORE_BATCH = 2_000;
export const STORE_INTERVAL = 1_000;

/** Events that are kept in memory. */
export const MAX_EVENTS = 1_000;

/** Readers of the stream of events at a time, and bytes that may wait for one of them before it is cut off. */
export const MAX_EVENT_SUBSCRIBERS = 64;
export const MAX_WAITING_BYTES = 1024 * 1024;

/** How often the flags in shared memory are looked at, in ms. */
export const OBSERVE_INTERVAL = 100;

/** Log lines about servers: so many at once, and so many per second in the long run. */
export const LOG_BURST = 30;
export const LOG_RATE = 5;

/** Length of a reason, in characters; a server must not be able to fill memory with what it says. */
export const MAX_REASON = 300;
