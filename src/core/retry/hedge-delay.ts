/** Times are counted in sixteenths of a millisecond, up to 2^26 of them (over an hour). */
const unitsPerMs = 16;
const maxExponent = 26;
const maxUnits = 2 ** maxExponent - 1;

/** Buckets per doubling of the time: each is at most a sixteenth as wide as the times that it counts. */
const perDoubling = 16;
const bits = 4;
const buckets = (maxExponent - bits + 1) * perDoubling;

/** Before so many samples there is no percentile. */
const fewestSamples = 50;
/** Counts are halved after so many samples: the percentile is that of the last one or two thousand answers. */
const halveAfter = 1024;
/** The percentile is looked up again after so many samples. */
const refreshAfter = 64;

/** When a request counts as unusually slow; times in ms, `percentile` in percent. */
export interface HedgeDelayConfig {
  readonly percentile: number;
  readonly minDelay: number;
  readonly maxDelay: number;
}

/**
 * Learns after which time a request has waited longer than `percentile` percent of the answers took, so that a second
 * one is worth sending. A histogram with buckets of about 6 % (log-linear, as in HdrHistogram) whose counts are halved
 * now and then, so that it follows the latency. A sample costs a few nanoseconds and allocates nothing.
 *
 * Source of the idea: Dean and Barroso, "The Tail at Scale" (2013), hedged requests.
 */
export class HedgeDelay {
  readonly #share: number;
  readonly #minDelay: number;
  readonly #maxDelay: number;
  readonly #counts = new Float64Array(buckets);
  #total = 0;
  #untilHalved = halveAfter;
  #untilRefreshed = fewestSamples;
  #delay = NaN;

  constructor({ percentile, minDelay, maxDelay }: HedgeDelayConfig) {
    this.#share = percentile / 100;
    this.#minDelay = minDelay;
    this.#maxDelay = maxDelay;
  }

  /** Counts the latency of an answer in ms. For every answer; NaN and negative numbers are passed over. */
  observe(latency: number): void {
    if (!(latency >= 0)) return;
    const bucket = bucketOf(latency);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total++;
    if (--this.#untilHalved === 0) this.#halve();
    if (--this.#untilRefreshed === 0) this.#refresh();
  }

  /** Milliseconds after which a second request is worth sending; NaN before the first 50 samples. */
  delay(): number {
    return this.#delay;
  }

  #halve(): void {
    const counts = this.#counts;
    for (let bucket = 0; bucket < buckets; bucket++) counts[bucket] = (counts[bucket] as number) / 2;
    this.#total /= 2;
    this.#untilHalved = halveAfter;
  }

  #refresh(): void {
    this.#untilRefreshed = refreshAfter;
    const counts = this.#counts;
    const wanted = this.#total * this.#share;
    let sum = 0;
    let bucket = 0;
    while (bucket < buckets - 1 && sum + (counts[bucket] as number) < wanted) sum += counts[bucket++] as number;
    const count = counts[bucket] as number;
    const inside = count > 0 ? Math.min(1, (wanted - sum) / count) : 1;
    const low = lowerBound(bucket);
    const quantile = low + (lowerBound(bucket + 1) - low) * inside;
    this.#delay = Math.min(this.#maxDelay, Math.max(this.#minDelay, quantile));
  }
}

function bucketOf(latency: number): number {
  const units = latency * unitsPerMs < maxUnits ? (latency * unitsPerMs) | 0 : maxUnits;
  if (units < perDoubling) return units;
  const exponent = 31 - Math.clz32(units);
  return (exponent - bits + 1) * perDoubling + ((units >>> (exponent - bits)) - perDoubling);
}

/** The least latency in ms that the bucket counts. */
function lowerBound(bucket: number): number {
  if (bucket < perDoubling) return bucket / unitsPerMs;
  const exponent = Math.floor(bucket / perDoubling) + bits - 1;
  return (((bucket % perDoubling) + perDoubling) * 2 ** (exponent - bits)) / unitsPerMs;
}
