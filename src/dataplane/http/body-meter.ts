import { errors, type ProxyError } from "../../core/errors.ts";

/** How long a body may be slow before its rate counts, in ms. */
const RATE_GRACE = 10_000;

/** What bounds a body; see LimitsSchema in config/schema.ts. */
export interface BodyLimits {
  readonly maxBodySize: number;
  readonly minBodyRate: number;
}

/** Counts the bytes of one request body, against the limits on its size and its rate. Used again for each body. */
export class BodyMeter {
  /** True while nothing is read, because the server takes nothing: the rate is not the client's then. */
  paused = false;
  /** Whether the limit on the rate holds. */
  rated = true;
  #bytes = 0;
  /** Since when, and from which byte on, the rate is measured. */
  #startedAt = 0;
  #startedWith = 0;

  begin(now: number): void {
    this.#bytes = 0;
    this.resumed(now);
  }

  /** From here on the rate is the client's own again. */
  resumed(now: number): void {
    this.paused = false;
    this.#startedAt = now;
    this.#startedWith = this.#bytes;
  }

  /** That many more bytes have come; returns what the request is to be refused for, if it is. */
  count(bytes: number, now: number, limits: BodyLimits): ProxyError | null {
    this.#bytes += bytes;
    if (limits.maxBodySize !== 0 && this.#bytes > limits.maxBodySize) return errors.bodyTooLarge;
    const elapsed = now - this.#startedAt;
    const isSlow =
      this.rated &&
      elapsed > RATE_GRACE &&
      !this.paused &&
      (this.#bytes - this.#startedWith) * 1000 < limits.minBodyRate * elapsed;
    return isSlow ? errors.bodyTooSlow : null;
  }
}
