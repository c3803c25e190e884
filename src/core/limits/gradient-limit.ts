/** Settings of a {@link GradientLimit}; requests in flight, and how far the latency may rise (1.5: by half). */
export interface GradientLimitConfig {
  readonly initial: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly tolerance: number;
}

/** Samples are averaged over a window of at least so many ms and so many samples, or of two round trips if longer. */
const shortestWindow = 100;
const longestWindow = 1000;
const fewestSamples = 10;

/** Requests that the limit leaves room for beyond what the latency allows: the queue that is wanted. */
const queue = 4;
/** Share of a newly computed limit that is taken over per window. */
const smoothing = 0.2;
/** The long-term mean follows over so many windows; the first ten make a plain mean. */
const longTermWindows = 600;
const warmUpWindows = 10;

/** Time in ms between the probes of a limit that holds requests back all the time. */
const probeInterval = 10_000;
/** A probe halves the limit for two windows: one in which the queue drains, one in which the latency is measured. */
const probeShare = 0.5;
const probeWindows = 2;
/** Weight of a probe's latency in the long-term mean. */
const probeWeight = 0.5;

/**
 * A limit on requests in flight that follows the latency: while answers take as long as they usually do, it grows;
 * when they take longer than `tolerance` times their long-term mean, a queue has built up and it shrinks, by half per
 * window at most. It stands still while fewer than half of the allowed requests are in flight, since their latency says
 * nothing about the limit.
 *
 * In a long overload the long-term mean would learn the latency of the queue that the limit itself allows, and both
 * would rise without end. So windows in which the limit held requests back do not count for it. Every ten seconds of
 * them the limit is halved for a moment instead: what the latency is then is the server's own. Servers that have become
 * slower for good are recognised in this way, too.
 *
 * Sources: Netflix concurrency-limits, Gradient2Limit and WindowedLimit (with `rttTolerance`, as in its version 0.2);
 * the probes: BBR (ProbeRTT) and Envoy's adaptive concurrency filter (recalculation of the minimum).
 */
export class GradientLimit {
  readonly #minimum: number;
  readonly #maximum: number;
  readonly #tolerance: number;
  #limit: number;
  #longTerm = 0;
  #windows = 0;
  #windowEnd = NaN;
  #sum = 0;
  #samples = 0;
  #mostInFlight = 0;
  /** Windows of a probe that are left; 0 outside. */
  #probing = 0;
  #nextProbe = NaN;

  constructor({ initial, minimum, maximum, tolerance }: GradientLimitConfig) {
    this.#minimum = minimum;
    this.#maximum = Math.max(minimum, maximum);
    this.#tolerance = tolerance;
    this.#limit = Math.min(this.#maximum, Math.max(minimum, initial));
  }

  /** Requests that may be in flight now: a whole number. */
  get limit(): number {
    const limit = this.#probing > 0 ? Math.max(this.#minimum, this.#limit * probeShare) : this.#limit;
    return Math.floor(limit);
  }

  /**
   * Takes the latency of an answer. For every answer; allocates nothing.
   *
   * @param rtt ms from the request to the head of its answer; NaN is passed over
   * @param inFlight requests in flight when it ended, itself included
   * @param now ms
   */
  sample(rtt: number, inFlight: number, now: number): void {
    if (!(rtt >= 0)) return;
    if (!(now < this.#windowEnd)) {
      if (this.#samples >= fewestSamples) this.#update(now);
      else if (this.#samples === 0) this.#windowEnd = now + shortestWindow;
    }
    this.#sum += rtt;
    this.#samples++;
    if (inFlight > this.#mostInFlight) this.#mostInFlight = inFlight;
  }

  #update(now: number): void {
    const shortTerm = Math.max(this.#sum / this.#samples, Number.MIN_VALUE);
    const mostInFlight = this.#mostInFlight;
    this.#sum = 0;
    this.#samples = 0;
    this.#mostInFlight = 0;
    this.#windowEnd = now + Math.min(longestWindow, Math.max(shortestWindow, 2 * shortTerm));
    if (this.#probing > 0) return this.#endProbeWindow(shortTerm);
    const heldBack = mostInFlight >= Math.floor(this.#limit);
    if (!heldBack || this.#windows < warmUpWindows) this.#followLongTerm(shortTerm);
    this.#scheduleProbe(heldBack, now);
    if (mostInFlight < this.#limit / 2) return;
    const gradient = Math.max(0.5, Math.min(1, (this.#tolerance * this.#longTerm) / shortTerm));
    const wanted = gradient * this.#limit + queue;
    const limit = (1 - smoothing) * this.#limit + smoothing * wanted;
    this.#limit = Math.min(this.#maximum, Math.max(this.#minimum, limit));
  }

  #followLongTerm(shortTerm: number): void {
    this.#windows++;
    if (this.#windows <= warmUpWindows) this.#longTerm += (shortTerm - this.#longTerm) / this.#windows;
    else this.#longTerm += ((shortTerm - this.#longTerm) * 2) / (longTermWindows + 1);
    // When the latency has fallen for good, waiting for the mean would leave the limit without effect till then.
    if (this.#longTerm > 2 * shortTerm) this.#longTerm *= 0.9;
  }

  #scheduleProbe(heldBack: boolean, now: number): void {
    if (!heldBack) this.#nextProbe = NaN;
    else if (Number.isNaN(this.#nextProbe)) this.#nextProbe = now + probeInterval;
    else if (now >= this.#nextProbe) {
      this.#nextProbe = now + probeInterval;
      this.#probing = probeWindows;
    }
  }

  #endProbeWindow(shortTerm: number): void {
    this.#probing--;
    if (this.#probing === 0) this.#longTerm += (shortTerm - this.#longTerm) * probeWeight;
  }
}
