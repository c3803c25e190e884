import type { Clock } from "../core/clock.ts";
import type { SlotAllocator } from "../config/slots.ts";
import type { Scoreboard } from "../shared-memory/scoreboard.ts";

/** A removed server's slot is kept at least so long, in ms: a retry on the old plan may still choose it. */
const GRACE = 10_000;
const INTERVAL = 1_000;

/**
 * Gives back the places in shared memory of servers and listeners that a configuration no longer has, once nothing is
 * in flight there. While something is, the place stays taken: its counts would otherwise fall upon a newcomer.
 */
export class Removals {
  readonly #slots: SlotAllocator;
  readonly #scoreboard: Scoreboard;
  readonly #clock: Clock;
  /** Slot → when it was first seen to be removed. */
  readonly #since = new Map<number, number>();
  readonly #listeners = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(slots: SlotAllocator, scoreboard: Scoreboard, clock: Clock) {
    this.#slots = slots;
    this.#scoreboard = scoreboard;
    this.#clock = clock;
  }

  /** Looks after removed servers (the allocator knows them) and these removed listeners; `present` ones have come back. */
  watch(removed: readonly string[], present: readonly string[] = []): void {
    for (const name of removed) this.#listeners.add(name);
    for (const name of present) this.#listeners.delete(name);
    this.collect();
    if (this.#timer !== undefined || this.#idle) return;
    this.#timer = setInterval(() => {
      this.collect();
      if (this.#idle) this.close();
    }, INTERVAL);
    this.#timer.unref();
  }

  /** Gives back what is free now. Called by a timer; tests call it themselves. */
  collect(): void {
    const now = this.#clock.now();
    const draining = new Set(this.#slots.draining);
    for (const slot of this.#since.keys()) if (!draining.has(slot)) this.#since.delete(slot);
    for (const slot of draining) {
      const since = this.#since.get(slot) ?? now;
      this.#since.set(slot, since);
      if (now - since < GRACE || this.#scoreboard.inFlight(slot) > 0 || this.#scoreboard.connections(slot) > 0)
        continue;
      this.#slots.release([slot]);
      this.#since.delete(slot);
    }
    for (const name of this.#listeners) if (this.#scoreboard.clients.release(name)) this.#listeners.delete(name);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get #idle(): boolean {
    return this.#slots.draining.length === 0 && this.#listeners.size === 0;
  }
}
