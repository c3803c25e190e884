import type { Spread } from "./statistics.ts";

/** What a change did to the cost of a request. */
export type Verdict = "slower" | "faster" | "no difference beyond the noise" | "too few rounds" | "failed";

/** With fewer, all rounds agree too often by chance. */
const fewestRounds = 3;

/** Differences of the median below this are never called one: two runs of the same code differ by as much. */
const noise = 0.02;

/**
 * Judges the ratios of a change's cost to the base's: a difference counts when every round has the same sign
 * and the median is beyond the noise. Undefined ratios mean that one of the two failed.
 */
export function verdict(ratio: Spread | undefined, rounds: number): Verdict {
  if (ratio === undefined) return "failed";
  if (rounds < fewestRounds) return "too few rounds";
  if (ratio.min > 1 && ratio.median > 1 + noise) return "slower";
  if (ratio.max < 1 && ratio.median < 1 - noise) return "faster";
  return "no difference beyond the noise";
}
