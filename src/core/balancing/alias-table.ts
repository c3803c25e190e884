/**
 * Draws an index with a chance in proportion to its weight, in O(1): each of n columns holds one index up to a
 * threshold and another one above it.
 *
 * Source: M. D. Vose, "A Linear Algorithm for Generating Random Numbers with a Given Distribution", 1991.
 */
export class AliasTable {
  private readonly length: number;
  private readonly threshold: Float64Array;
  private readonly alias: Int32Array;

  /** @param weights finite and above 0; at least one */
  constructor(weights: ArrayLike<number>) {
    const length = weights.length;
    this.length = length;
    this.threshold = new Float64Array(length).fill(1);
    this.alias = new Int32Array(length);
    let total = 0;
    for (let index = 0; index < length; index++) total += weights[index] as number;
    const scaled = new Float64Array(length);
    // One work list from the left (columns below the average), one from the right (those above).
    const work = new Int32Array(length);
    let small = 0;
    let large = length;
    for (let index = 0; index < length; index++) {
      scaled[index] = ((weights[index] as number) * length) / total;
      this.alias[index] = index;
      if ((scaled[index] as number) < 1) work[small++] = index;
      else work[--large] = index;
    }
    while (small > 0 && large < length) {
      const low = work[--small] as number;
      const high = work[large] as number;
      this.threshold[low] = scaled[low] as number;
      this.alias[low] = high;
      scaled[high] = (scaled[high] as number) - (1 - (scaled[low] as number));
      if ((scaled[high] as number) < 1) {
        large++;
        work[small++] = high;
      }
    }
  }

  /** @param chance a number in [0, 1); equal numbers give equal indexes */
  pick(chance: number): number {
    const place = chance * this.length;
    const column = place | 0;
    return place - column < (this.threshold[column] as number) ? column : (this.alias[column] as number);
  }
}
