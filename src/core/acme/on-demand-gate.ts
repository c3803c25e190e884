import type { Clock } from "../clock.ts";
import { isHostName, matchesName } from "./names.ts";

/** Which names may be ordered when clients ask for them. */
export interface OnDemandRule {
  /** Names, and `*.example.com` for one label. */
  readonly patterns: readonly string[];
  /** Most orders in an hour. */
  readonly limit: number;
}

/**
 * `order`: an order may begin, and has been counted; `foreign`: no pattern has the name; `resting`: it failed not long ago;
 * `limited`: there have been enough orders in the last hour.
 */
export type OnDemandDecision = "order" | "foreign" | "resting" | "limited";

/** Names that are remembered because their order failed. When there are more, the oldest is forgotten. */
export const MAX_RESTING = 1000;
const HOUR = 3_600_000;

/**
 * Decides whether a name that a client asked for gets an order. Anybody can ask for any name, so everything is bounded: what
 * is remembered, and what authorities are asked for.
 */
export class OnDemandGate {
  readonly #clock: Clock;
  /** Name → until when it is not ordered again, by `clock.now()`; in the order in which they failed. */
  readonly #resting = new Map<string, number>();
  /** When the orders of the last hour began; at most as many as the highest limit. */
  #orders: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to order for a name, in lower case, by one listener's rule. */
  request(name: string, { patterns, limit }: OnDemandRule): OnDemandDecision {
    if (!isHostName(name) || !patterns.some((pattern) => matchesName(pattern, name))) return "foreign";
    const now = this.#clock.now();
    const until = this.#resting.get(name);
    if (until !== undefined) {
      if (now < until) return "resting";
      this.#resting.delete(name);
    }
    this.#orders = this.#orders.filter((at) => now - at < HOUR);
    if (this.#orders.length >= limit) return "limited";
    this.#orders.push(now);
    return "order";
  }

  /** An order failed: the name rests for so many ms. */
  failed(name: string, rest: number): void {
    this.#resting.delete(name);
    for (const oldest of this.#resting.keys()) {
      if (this.#resting.size < MAX_RESTING) break;
      this.#resting.delete(oldest);
    }
    this.#resting.set(name, this.#clock.now() + rest);
  }
}
