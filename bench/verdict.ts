import type { Spread } from "./statistics.ts";

/** What a change did to the cost of a request. */
export type Verdict = "slower" | "faster" | "no difference beyond the noise" | "failed";

/** Differences of the median below this are never called one: two runs of the same code differ by as much. */
const noise = 0.02;

/**
 * Judges the ratios of a change's cost to the base's: a difference counts when every round has the same sign
 * and the median is beyond the noise. Undefined ratios mean that one of the two failed.
 */
export function verdict(ratio: Spread | undefined): Verdict {
  if (ratio === undefined) return "failed";
  if (ratio.min > 1 && ratio.median > 1 + noise) return "slower";
  if (ratio.max < 1 && ratio.median < 1 - noise) return "faster";
  return "no difference beyond the noise";
}
