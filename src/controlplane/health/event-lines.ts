import type { Clock } from "../../core/clock.ts";
import type { Log } from "../log.ts";
import { eventText, isBad, isByOperator, type NewHealthEvent } from "./health-event.ts";
import { LOG_BURST, LOG_RATE } from "./limits.ts";

/** How often it is said how many lines were left out, in ms. */
const SUMMARY_INTERVAL = 10_000;

/** So many lines at once, and so many per second in the long run. */
class Allowance {
  #tokens = LOG_BURST;
  #filledAt: number;

  constructor(now: number) {
    this.#filledAt = now;
  }

  /** Takes a line, if there is one left. */
  take(now: number): boolean {
    this.#tokens = Math.min(LOG_BURST, this.#tokens + ((now - this.#filledAt) / 1000) * LOG_RATE);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/**
 * Writes a log line per event, but not for each of a flood: a thousand servers that come and go must not fill the log.
 * What is left out is counted and said every ten seconds. Pools have an allowance of their own: that a pool has failed
 * must not be lost among its servers.
 */
export class EventLines {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #forServers: Allowance;
  readonly #forPools: Allowance;
  #leftOut = 0;
  #saidAt = 0;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
    this.#forServers = new Allowance(clock.now());
    this.#forPools = new Allowance(clock.now());
  }

  /** Writes the event's line, if there is room for it and nobody else has written what happened. */
  write(event: NewHealthEvent): void {
    if (isByOperator(event.what)) return;
    const now = this.#clock.now();
    if (!(event.server === undefined ? this.#forPools : this.#forServers).take(now)) {
      if (this.#leftOut++ === 0) this.#saidAt = now;
      return;
    }
    this.#log(isBad(event.what) ? "warn" : "info", eventText(event));
  }

  /** Says what was left out when it is time; to be called from time to time. */
  tick(): void {
    if (this.#leftOut === 0 || this.#clock.now() - this.#saidAt < SUMMARY_INTERVAL) return;
    const count = this.#leftOut;
    this.#leftOut = 0;
    this.#log("warn", `${count} further changes in the last seconds were not logged; /api/v2/events has them`);
  }
}
