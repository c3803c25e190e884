/** Buckets per factor e: each is 1 % wide. */
const resolution = 100;
/** The shortest latency that is told apart, in ms; the longest is an hour or so. */
const shortest = 0.01;
const buckets = Math.ceil(Math.log(4e6 / shortest) * resolution);

/** Latencies of very many requests in little memory: counts in buckets that are 1 % wide. */
export class LatencyRecord {
  count = 0;
  #sum = 0;
  readonly #counts = new Float64Array(buckets);

  /** @param latency ms */
  add(latency: number): void {
    const bucket = latency <= shortest ? 0 : Math.min(buckets - 1, (Math.log(latency / shortest) * resolution) | 0);
    this.#counts[bucket]! += 1;
    this.count++;
    this.#sum += latency;
  }

  addAll(other: LatencyRecord): void {
    for (let bucket = 0; bucket < buckets; bucket++) this.#counts[bucket]! += other.#counts[bucket]!;
    this.count += other.count;
    this.#sum += other.#sum;
  }

  /** NaN without latencies. */
  get mean(): number {
    return this.#sum / this.count;
  }

  /** The latency in ms that `share` (0..1) of them do not exceed, to half a percent; NaN without any. */
  quantile(share: number): number {
    if (this.count === 0) return NaN;
    let left = share * this.count;
    let bucket = 0;
    while (bucket < buckets - 1 && left > this.#counts[bucket]!) left -= this.#counts[bucket++]!;
    return shortest * Math.exp((bucket + 0.5) / resolution);
  }
}
