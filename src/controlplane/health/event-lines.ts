import type { Clock } from "../../core/clock.ts";
import type { Log } from "../log.ts";
import { eventText, isBad, type NewHealthEvent } from "./health-event.ts";
import { LOG_BURST, LOG_RATE } from "./limits.ts";

/** How often it is said how many lines were left out, in ms. */
const SUMMARY_INTERVAL = 10_000;

/**
 * Writes a log line per event, but not for each of a flood: a thousand servers that come and go must not fill the log.
 * What is left out is counted and said every ten seconds.
 */
export class EventLines {
  readonly #clock: Clock;
  readonly #log: Log;
  #tokens = LOG_BURST;
  #filledAt: number;
  #leftOut = 0;
  #saidAt = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#filledAt = clock.now();
  }

  write(event: NewHealthEvent): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(LOG_BURST, this.#tokens + ((now - this.#filledAt) / 1000) * LOG_RATE);
    this.#filledAt = now;
    if (this.#tokens < 1) {
      if (this.#leftOut++ === 0) this.#saidAt = now;
      return;
    }
    this.#tokens -= 1;
    this.#log(isBad(event.what) ? "warn" : "info", eventText(event));
  }

  /** Says what was left out when it is time; to be called from time to time. */
  tick(): void {
    if (this.#leftOut === 0 || this.#clock.now() - this.#saidAt < SUMMARY_INTERVAL) return;
    const count = this.#leftOut;
    this.#leftOut = 0;
    this.#log(
      "warn",
      `${count} further changes of servers in the last seconds were not logged; /api/v2/events has them`,
    );
  }
}
