import { hashString, mix32 } from "./hash.ts";
import { sortByKey } from "./radix-sort.ts";

/**
 * A hash ring: each owner has points on a circle of 2³² places, and a key belongs to the owner of the first point at
 * or after its hash. Points depend on the owner's name and their number only, so an owner that comes or goes moves no
 * keys between the others.
 *
 * An index by leading bits has about as many entries as there are points, so finding a place is O(1) instead of a
 * binary search; points are sorted by radix, so building is O(points).
 *
 * Source: D. Karger et al., "Consistent Hashing and Random Trees", 1997.
 */
export class HashRing {
  readonly length: number;
  private readonly points: Uint32Array;
  private readonly owners: Int32Array;
  private readonly starts: Int32Array;
  private readonly shift: number;

  /**
   * @param names names of the owners; their indexes are what `owner` returns
   * @param counts how many points each owner gets
   */
  constructor(names: readonly string[], counts: Int32Array) {
    let length = 0;
    for (const count of counts) length += count;
    this.length = length;
    const points = new Uint32Array(length);
    const owners = new Int32Array(length);
    let filled = 0;
    // In the order of the names, and sorted stably: every node agrees about equal points.
    const order = Int32Array.from(names.keys()).sort((a, b) => ((names[a] as string) < (names[b] as string) ? -1 : 1));
    for (const owner of order) {
      // Two hashes of the name keep owners apart; the odd stride makes all points of one owner different.
      const start = hashString(names[owner] as string, 1);
      const stride = hashString(names[owner] as string, 2) | 1;
      for (let nth = 0; nth < (counts[owner] as number); nth++) {
        points[filled] = mix32((start + Math.imul(nth, stride)) | 0);
        owners[filled++] = owner;
      }
    }
    sortByKey(points, owners);
    this.points = points;
    this.owners = owners;
    const bits = Math.max(1, 32 - Math.clz32(length));
    this.shift = 32 - bits;
    this.starts = new Int32Array(1 << bits);
    let position = 0;
    for (let bucket = 0; bucket < this.starts.length; bucket++) {
      while (position < length && (points[position] as number) >>> this.shift < bucket) position++;
      this.starts[bucket] = position;
    }
  }

  /** Position of the first point at or after the hash; the circle closes after the last. The ring must not be empty. */
  find(hash: number): number {
    const { points, length } = this;
    let position = this.starts[hash >>> this.shift] as number;
    while (position < length && (points[position] as number) < hash) position++;
    return position < length ? position : 0;
  }

  /** Index of the owner of the point at a position. */
  owner(position: number): number {
    return this.owners[position] as number;
  }
}
