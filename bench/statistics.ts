/** A figure over several rounds: the middle one, and how far the rounds lay apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Median, minimum and maximum of at least one number. */
export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error("a spread needs a value");
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/**
 * Spread of the ratios of two contestants, round by round: what a round has in common (a slow neighbour on
 * the machine) cancels out. Rounds that either of them failed (NaN) are left out; undefined when none is left.
 */
export function ratios(values: readonly number[], base: readonly number[]): Spread | undefined {
  const quotients = values
    .map((value, round) => value / (base[round] ?? NaN))
    .filter((value) => Number.isFinite(value));
  return quotients.length === 0 ? undefined : spread(quotients);
}
