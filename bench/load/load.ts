/** What one run of a load generator saw. */
export interface LoadResult {
  readonly requests: number;
  /** Seconds. */
  readonly duration: number;
  /** Bytes received, heads included. */
  readonly bytes: number;
  /** Latency percentiles in µs. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** In words, what went wrong; empty when nothing did. */
  readonly errors: readonly string[];
}

/** Where a load generator sends its requests, and how it runs. */
export interface Target {
  readonly port: number;
  readonly secure: boolean;
  /** Processor of the load generator. */
  readonly cpu: number | undefined;
  /** Seconds. */
  readonly duration: number;
  /** Directory for temporary files. */
  readonly directory: string;
}
