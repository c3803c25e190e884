/**
 * How an origin behaves.
 *
 * - `normal`: answers 200.
 * - `failing`: answers 500 at once.
 * - `garbage`: answers with bytes that are no HTTP.
 * - `resetting`: resets every connection as soon as it is made, and all that there are.
 * - `closed`: listens no more, and resets all connections: connects are refused.
 */
export type OriginMode = "normal" | "failing" | "garbage" | "resetting" | "closed";

/** What can be changed while an origin runs. Health checks are treated as any other request. */
export interface OriginSettings {
  readonly mode: OriginMode;
  /** Mean time to answer in ms. */
  readonly latency: number;
  /** Times to answer are spread evenly over `latency` ± this share of it. */
  readonly spread: number;
  /** All times are multiplied by this. */
  readonly slowFactor: number;
  /** Share of the requests that the factor is for. */
  readonly slowShare: number;
  /** Requests that are worked on at a time, the others wait in order of arrival; 0 is no limit. */
  readonly workers: number;
  /** When above 0, `mode` and `normal` take turns of so many ms, beginning with `mode`. */
  readonly alternate: number;
}

export const usual: OriginSettings = {
  mode: "normal",
  latency: 4,
  spread: 0.5,
  slowFactor: 1,
  slowShare: 1,
  workers: 0,
  alternate: 0,
};

/** What the test sends to an origin; it is answered with `{ done: sequence }`. */
export interface OriginCommand {
  readonly sequence: number;
  readonly settings: OriginSettings;
}

/** What an origin is started with, as JSON in its first argument. */
export interface OriginStart {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** File to which the origin adds a line per event; see journal.ts. */
  readonly journal: string;
  readonly settings: OriginSettings;
}
