/** What a mixed load sends, as JSON in the first argument of its process. */
export interface LoadSettings {
  readonly port: number;
  /** Requests per second, begun whether or not earlier ones have been answered. */
  readonly rate: number;
  /** Connections at most; a request that finds none free waits for one, and the wait is part of its latency. */
  readonly connections: number;
  /** Shares of the methods; they add up to 1. */
  readonly mix: Readonly<Record<LoadMethod, number>>;
  /** Bytes of the bodies of PUT and POST. */
  readonly body: number;
  /** After so many ms without an answer a request counts as failed (`timeout`) and its connection is closed. */
  readonly timeout: number;
  /** Paths, taken in turn. */
  readonly paths: readonly string[];
  /** What request ids begin with, so that those of several loads differ. */
  readonly prefix: string;
}

export const loadMethods = ["GET", "PUT", "POST"] as const;
export type LoadMethod = (typeof loadMethods)[number];

/** One request, when it is over. */
export interface LoadSample {
  /** Its X-Test-Id. */
  readonly id: string;
  readonly method: LoadMethod;
  readonly path: string;
  /** When it was due, by `monotonic()`. */
  readonly due: number;
  /** When its answer was there, or the failure. */
  readonly at: number;
  /** Status of the answer; 0 when none came. */
  readonly status: number;
  /** Name of the server that answered; "" for an answer of the balancer's own, or none. */
  readonly server: string;
  /** "" when it was answered; else how it failed: the code of the balancer's error, `closed`, `timeout` or an errno. */
  readonly error: string;
}

/** From the test to the load. */
export type LoadCommand =
  /** Go on with another rate. */
  | { readonly rate: number }
  /** Begin no more, and end when all is answered. */
  | { readonly stop: true };
