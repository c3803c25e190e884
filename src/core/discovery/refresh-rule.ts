import type { Random } from "../random.ts";

/** How often a source is asked, and when it is believed that there are no servers. All in ms. */
export interface RefreshSettings {
  readonly minRefresh: number;
  readonly maxRefresh: number;
  /** How long there must have been no servers before that is believed; 0: at once. */
  readonly emptyAfter: number;
}

/** What to make of an answer, and when to ask again. */
export interface RefreshDecision {
  /** True when the list of the answer holds from now on; false when the one before does. */
  readonly believed: boolean;
  /** ms until the next question. */
  readonly next: number;
}

/** Share of each wait that chance adds, so that many nodes do not ask in the same instant. */
const JITTER = 0.1;
/** So often an emptiness that is not yet believed is asked about. */
const LOOKS_AT_EMPTY = 6;

/**
 * When to ask a source again, and whether to believe it. The answer's time to live counts, within limits. An answer
 * without servers is much more often a mistake (a zone half loaded, a resolver without its upstream) than the truth,
 * and to believe it would end all traffic: it has to last. After a failure the waits double.
 */
export class RefreshRule {
  readonly #settings: RefreshSettings;
  readonly #random: Random;
  #failures = 0;
  #emptySince: number | undefined;

  constructor(settings: RefreshSettings, random: Random) {
    this.#settings = settings;
    this.#random = random;
  }

  /**
   * An answer has come.
   *
   * @param servers how many it lists
   * @param ttl time to live in ms
   * @param now by the clock
   */
  answered(servers: number, ttl: number, now: number): RefreshDecision {
    this.#failures = 0;
    if (servers > 0) {
      this.#emptySince = undefined;
      return { believed: true, next: this.#wait(ttl) };
    }
    this.#emptySince ??= now;
    const left = this.#settings.emptyAfter - (now - this.#emptySince);
    if (left <= 0) return { believed: true, next: this.#wait(ttl) };
    return { believed: false, next: Math.min(left, this.#wait(this.#settings.emptyAfter / LOOKS_AT_EMPTY)) };
  }

  /** There was no answer: what was known goes on to hold, however long that lasts. Returns ms until the next question. */
  failed(): number {
    const doublings = Math.min(this.#failures++, 30);
    return this.#wait(this.#settings.minRefresh * 2 ** doublings);
  }

  #wait(wanted: number): number {
    const { minRefresh, maxRefresh } = this.#settings;
    return Math.max(minRefresh, Math.min(maxRefresh, wanted)) * (1 + JITTER * this.#random());
  }
}
