import type { Random } from "../random.ts";

/** One way of a split and its share. */
export interface SplitEntry {
  readonly pool: string;
  /** Integer, 0 or more; 0 is never chosen. */
  readonly weight: number;
}

/**
 * A weighted choice that is exact over time and cannot be guessed: like drawing cards from a deck that holds each
 * entry as often as its weight says (divided by the weights' greatest common divisor), shuffled anew when it is
 * empty. Plain chance would be off by the square root of the number of requests, and a fixed sequence could fall
 * into step with a client's pattern (page, image, page, image …).
 */
export class Split {
  private readonly weights: Int32Array;
  private readonly total: number;
  /** Cards left in the deck, by entry and in all. */
  private readonly left: Int32Array;
  private cards = 0;

  /** @throws Error when no weight is positive or one is not an integer of at least 0 */
  constructor(weights: readonly number[]) {
    if (weights.some((weight) => !Number.isInteger(weight) || weight < 0 || weight > 0x7fffffff)) {
      throw new Error("split: weights are integers of at least 0");
    }
    const divisor = weights.reduce(greatestCommonDivisor, 0);
    if (divisor === 0) throw new Error("split: one weight at least must be above 0");
    this.weights = Int32Array.from(weights, (weight) => weight / divisor);
    this.total = this.weights.reduce((sum, weight) => sum + weight, 0);
    this.left = new Int32Array(weights.length);
  }

  /** The position of the entry that the next request takes. */
  choose(random: Random): number {
    const { left, total, weights } = this;
    if (this.cards === 0) {
      left.set(weights);
      this.cards = total;
    }
    let card = Math.floor(random() * this.cards);
    this.cards--;
    for (let entry = 0; ; entry++) {
      card -= left[entry];
      if (card < 0) {
        left[entry]--;
        return entry;
      }
    }
  }
}

/** @throws Error when no weight is positive or one is not an integer of at least 0 */
export function compileSplit(entries: readonly SplitEntry[]): Split {
  return new Split(entries.map((entry) => entry.weight));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
