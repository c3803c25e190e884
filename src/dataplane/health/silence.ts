import type { OutlierDetectionConfig } from "../../config/pool-parts-schema.ts";
import type { Scoreboard } from "../../shared-memory/scoreboard.ts";
import { HealthFlag, takesNewWork } from "../../shared-memory/health-flags.ts";

/** What one worker knows about its own requests to a pool's servers. Times are `Clock.now()`, exclusive. */
export interface SilenceSource {
  /** How many requests to that server were sent completely after `after` and before `before` and have got nothing since. */
  unanswered(slot: number, before: number, after: number): number;
  /** When this worker last heard anything from the server: any byte on any connection. 0 for never. */
  heardAt(slot: number): number;
  /** The servers with requests in flight on this worker. */
  slots(): Iterable<number>;
}

/** Usual latencies that a server may take before it counts as silent. */
const LATENCIES = 10;
/** The same in ms for a server that has never answered. */
const UNKNOWN_SILENCE = 3000;
/** A tick that comes so late (ms after the last one) may come before answers that are there already were read. */
const LATE = 120;
/** Other servers that one tick looks at to find one that answers. */
const SEARCH = 256;

/**
 * Finds servers that take requests and say nothing: frozen, cut off, deadlocked. A server is silent when
 *
 * - at least `silentRequests` requests of this worker were sent after it was last heard, by any worker, and
 * - all of them longer ago than `silence` and than ten times its usual latency, and
 * - another server that gets work does better: it answered within that time and usually takes less than a tenth of it;
 *   or it has nothing to answer, if the silent one is known to be quicker than that.
 *
 * The first keeps requests that are slow by nature from counting once the server has said anything; the last keeps all
 * servers in use when they hang on something that they have in common.
 */
export class SilenceDetector {
  readonly #settings: OutlierDetectionConfig;
  readonly #slots: readonly number[];
  readonly #scoreboard: Scoreboard;
  #lastTick = NaN;
  #late = true;
  /** Where the search for a server that answers goes on, and how far it may go in this tick. */
  #cursor = 0;
  #searches = 0;

  constructor(settings: OutlierDetectionConfig, slots: readonly number[], scoreboard: Scoreboard) {
    this.#settings = settings;
    this.#slots = slots;
    this.#scoreboard = scoreboard;
  }

  /** Calls `found` for each silent server. To be called at each tick. */
  look(source: SilenceSource, now: number, found: (slot: number) => void): void {
    const late = !(now - this.#lastTick <= LATE);
    // After a late tick one more must pass, so that everything that waits in the sockets has been read.
    const judges = !late && !this.#late;
    this.#lastTick = now;
    this.#late = late;
    if (this.#settings.silence === 0) return;
    this.#searches = SEARCH;
    for (const slot of source.slots()) {
      const heard = this.heardAt(slot, source);
      if (judges && now - heard > this.#settings.silence && this.#isSilent(slot, heard, source, now)) found(slot);
    }
  }

  /** When anybody heard the server last, 0 for never; tells the others when this worker did so, a few times per `silence`. */
  heardAt(slot: number, source: SilenceSource): number {
    const { health } = this.#scoreboard;
    const mine = source.heardAt(slot);
    const told = health.heardAt(slot) || 0;
    if (mine - told > this.#settings.silence / 4) health.setHeardAt(slot, mine);
    return Math.max(mine, told, this.#scoreboard.latencyAt(slot) || 0);
  }

  #isSilent(slot: number, heard: number, source: SilenceSource, now: number): boolean {
    const flags = this.#scoreboard.health.flags(slot);
    if (!takesNewWork(flags) || (flags & (HealthFlag.forcedUp | HealthFlag.ejected)) !== 0) return false;
    const { silence, silentRequests } = this.#settings;
    const usual = this.#scoreboard.usualLatency(slot);
    const known = usual >= 0;
    const allowed = Math.max(silence, known ? LATENCIES * usual : UNKNOWN_SILENCE);
    if (now - heard <= allowed || source.unanswered(slot, now - allowed, heard) < silentRequests) return false;
    return this.#slots.length === 1 || this.#othersDoBetter(slot, known, allowed, now);
  }

  #othersDoBetter(slot: number, known: boolean, allowed: number, now: number): boolean {
    const slots = this.#slots;
    for (let looked = 0; looked < slots.length && this.#searches > 0; looked++, this.#searches--) {
      const other = slots[this.#cursor % slots.length]!;
      // It stays at one that does: the next silent server is likely to be compared with the same.
      if (other !== slot && this.#doesBetter(other, known, allowed, now)) return true;
      this.#cursor = (this.#cursor + 1) % slots.length;
    }
    return false;
  }

  #doesBetter(other: number, known: boolean, allowed: number, now: number): boolean {
    const board = this.#scoreboard;
    if (!takesNewWork(board.health.flags(other))) return false;
    if (known && board.inFlight(other) === 0) return true;
    const heard = Math.max(board.latencyAt(other) || 0, board.health.heardAt(other) || 0);
    return now - heard <= allowed && !(board.usualLatency(other) * LATENCIES > allowed);
  }
}
