/**
 * When each of a fixed number of sources has its next event. Changing a time is O(log n), finding the earliest O(1): a
 * tournament tree, whose node 1 is the winner of all.
 */
export class NextEvents {
  readonly #times: Float64Array;
  readonly #winners: Int32Array;
  readonly #leaves: number;

  constructor(sources: number) {
    this.#leaves = 1 << Math.ceil(Math.log2(Math.max(2, sources)));
    this.#times = new Float64Array(this.#leaves).fill(Infinity);
    this.#winners = new Int32Array(2 * this.#leaves);
    for (let source = 0; source < this.#leaves; source++) this.#winners[this.#leaves + source] = source;
    for (let node = this.#leaves - 1; node > 0; node--) this.#play(node);
  }

  /** Infinity takes the source out. */
  set(source: number, time: number): void {
    if (this.#times[source] === time) return;
    this.#times[source] = time;
    for (let node = (this.#leaves + source) >> 1; node > 0; node >>= 1) this.#play(node);
  }

  /** The source with the earliest event. */
  get source(): number {
    return this.#winners[1]!;
  }

  /** When that is. */
  get time(): number {
    return this.#times[this.#winners[1]!]!;
  }

  #play(node: number): void {
    const left = this.#winners[2 * node]!;
    const right = this.#winners[2 * node + 1]!;
    this.#winners[node] = this.#times[left]! <= this.#times[right]! ? left : right;
  }
}
