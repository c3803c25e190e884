/** Values at or above this are counted as this. */
const maxValue = 4095;

/**
 * A quantile of the last `size` whole numbers. Adding one is O(1) on average: the quantile is moved by as many steps
 * as the distribution moved, not computed anew.
 */
export class QuantileWindow {
  private readonly share: number;
  private readonly ring: Uint16Array;
  private readonly counts = new Uint16Array(maxValue + 1);
  private next = 0;
  private length = 0;
  private value = 0;
  /** How many numbers in the window are at or below `value`. */
  private below = 0;

  /**
   * @param size numbers in the window
   * @param share 0..1
   */
  constructor(size: number, share: number) {
    this.ring = new Uint16Array(size);
    this.share = share;
  }

  add(number: number): void {
    const added = number < maxValue ? number : maxValue;
    const { ring, counts } = this;
    if (this.length === ring.length) {
      const removed = ring[this.next] as number;
      counts[removed] = (counts[removed] as number) - 1;
      if (removed <= this.value) this.below--;
    } else this.length++;
    ring[this.next] = added;
    this.next = this.next + 1 < ring.length ? this.next + 1 : 0;
    counts[added] = (counts[added] as number) + 1;
    if (added <= this.value) this.below++;
    const wanted = Math.max(1, this.share * this.length);
    while (this.below < wanted && this.value < maxValue) this.below += counts[++this.value] as number;
    while (this.value > 0 && this.below - (counts[this.value] as number) >= wanted) {
      this.below -= counts[this.value--] as number;
    }
  }

  /** The least value that at least `share` of the numbers do not exceed; 0 without any. */
  quantile(): number {
    return this.value;
  }
}
