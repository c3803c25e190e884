import type { Address } from "../../config/address.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import { endAbsence } from "../../shared-memory/ejection.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";

/** The first attempt comes so many ms after the server was found unreachable; each further pause is longer. */
const FIRST_PAUSE = 250;
const GROWTH = 1.5;
const LONGEST_PAUSE = 1_000;
/** Chance part of each pause. */
const JITTER = 0.1;
/** How long an attempt may take, in ms. */
const TIMEOUT = 1_000;
/** Attempts that run at the same time on one node; one more waits. */
const MAX_CONCURRENT_ATTEMPTS = 256;

export interface RecoveryProbesOptions {
  readonly scoreboard: Scoreboard;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether a connection can be made within so many ms. */
  readonly canConnect: (address: Address, timeout: number) => Promise<boolean>;
  /** Whether no server of its pool is ready: then anything that can be reached is welcome. */
  readonly isNeeded: (slot: number) => boolean;
  /** Told when a server was found to be reachable again. */
  readonly reachable: (slot: number) => void;
}

interface Attempt {
  readonly address: Address;
  pause: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Tries to connect to servers that are marked unreachable, so that one that has come back gets traffic again after at
 * most a second and not only when the time of its exclusion is over.
 */
export class RecoveryProbes {
  readonly #options: RecoveryProbesOptions;
  readonly #attempts = new Map<number, Attempt>();
  #running = 0;

  constructor(options: RecoveryProbesOptions) {
    this.#options = options;
  }

  /** Tries the server until it is reachable; nothing new happens when that is going on already. */
  watch(slot: number, address: Address): void {
    if (this.#attempts.has(slot)) return;
    const attempt: Attempt = { address, pause: FIRST_PAUSE, timer: undefined };
    this.#attempts.set(slot, attempt);
    this.#wait(slot, attempt);
  }

  /** Tries now, because something speaks for the server; only for one that is watched. */
  hurry(slot: number): void {
    const attempt = this.#attempts.get(slot);
    if (attempt?.timer === undefined) return;
    clearTimeout(attempt.timer);
    void this.#try(slot, attempt);
  }

  /** The server is reachable, or gone from the configuration. */
  stop(slot: number): void {
    clearTimeout(this.#attempts.get(slot)?.timer);
    this.#attempts.delete(slot);
  }

  close(): void {
    for (const slot of this.#attempts.keys()) this.stop(slot);
  }

  #wait(slot: number, attempt: Attempt): void {
    const pause = attempt.pause * (1 + JITTER * (2 * this.#options.random() - 1));
    attempt.timer = setTimeout(() => void this.#try(slot, attempt), pause);
    attempt.timer.unref();
  }

  async #try(slot: number, attempt: Attempt): Promise<void> {
    const { scoreboard, clock, canConnect, isNeeded, reachable } = this.#options;
    attempt.timer = undefined;
    if (this.#running < MAX_CONCURRENT_ATTEMPTS) {
      this.#running++;
      const connected = await canConnect(attempt.address, TIMEOUT).finally(() => this.#running--);
      if (this.#attempts.get(slot) !== attempt) return;
      if (connected && endAbsence(scoreboard.health, slot, clock.now(), isNeeded(slot))) {
        this.#attempts.delete(slot);
        reachable(slot);
        return;
      }
      attempt.pause = Math.min(LONGEST_PAUSE, attempt.pause * GROWTH);
    }
    this.#wait(slot, attempt);
  }
}
