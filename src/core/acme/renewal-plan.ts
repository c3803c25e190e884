import type { Random } from "../random.ts";
import {
  isWindow,
  recheckDelay,
  renewalByLifetime,
  renewalInWindow,
  type RenewalWindow,
  type Validity,
} from "./renewal-time.ts";
import { retryDelay } from "./retry-delay.ts";

/** Share of its life that a certificate has left when it is renewed at the latest, whatever the authority says. */
const LAST_RESORT = 1 / 20;
/** Share of each wait for new information that chance adds. */
const JITTER = 0.1;
/** An authority that had no renewal information may have got some. */
const UNSUPPORTED_RECHECK = 24 * 3_600_000;

/**
 * When one certificate is renewed: in the window that its authority suggests, as long as it does (RFC 9773), else by its
 * lifetime. Wall times are ms since 1970-01-01 UTC.
 */
export class RenewalPlan {
  readonly #validity: Validity;
  readonly #random: Random;
  #window: RenewalWindow | null = null;
  #at: number;
  #failures = 0;

  constructor(validity: Validity, renewBefore: number, random: Random) {
    this.#validity = validity;
    this.#random = random;
    this.#at = renewalByLifetime(validity, renewBefore, random);
  }

  /** The wall time of the renewal; when it is in the past, it is due. */
  get at(): number {
    return this.#at;
  }

  /** Who says so. */
  get by(): "authority" | "lifetime" {
    return this.#window === null ? "lifetime" : "authority";
  }

  /**
   * The authority suggested a window. A moment in it is chosen once, as long as it suggests the same one.
   *
   * @param retryAfter when it wants to be asked again, in ms; null when it did not say
   * @returns in how many ms to ask again
   */
  suggested(window: RenewalWindow, retryAfter: number | null): number {
    if (!isWindow(window)) return this.failed();
    this.#failures = 0;
    if (window.start !== this.#window?.start || window.end !== this.#window.end) {
      const { notBefore, notAfter } = this.#validity;
      const last = notAfter - Math.max(0, notAfter - notBefore) * LAST_RESORT;
      this.#window = { start: window.start, end: window.end };
      this.#at = Math.min(renewalInWindow(window, this.#random), last);
    }
    return this.#jittered(recheckDelay(retryAfter));
  }

  /** The authority has no renewal information. Returns in how many ms to ask again. */
  unsupported(): number {
    return this.#jittered(UNSUPPORTED_RECHECK);
  }

  /** The authority did not answer, or not with a window: what was known goes on to hold. Returns in how many ms to ask again. */
  failed(): number {
    this.#failures++;
    return retryDelay({ kind: "refused", failures: this.#failures, retryAfter: null, left: Infinity }, this.#random);
  }

  #jittered(wait: number): number {
    return Math.round(wait * (1 + JITTER * this.#random()));
  }
}
