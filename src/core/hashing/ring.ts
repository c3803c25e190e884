import { hashString, mix32 } from "./hash.ts";

/**
 * A hash ring: each owner has points on a circle of 2³² places, and a key belongs to the owner of the first point at
 * or after its hash. Points depend on the owner's name and their number only, so an owner that comes or goes moves no
 * keys between the others.
 *
 * Points are sorted into as many buckets as there are points, by their leading bits; so finding a place is O(1)
 * instead of a binary search, and building is a counting sort: O(points).
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
    const bits = Math.max(1, 32 - Math.clz32(length));
    const shift = 32 - bits;
    this.shift = shift;
    const starts = new Int32Array((1 << bits) + 1);
    const unsorted = new Uint32Array(length);
    let filled = 0;
    for (let owner = 0; owner < names.length; owner++) {
      // Two hashes of the name keep owners apart; the odd stride makes all points of one owner different.
      const start = hashString(names[owner] as string, 1);
      const stride = hashString(names[owner] as string, 2) | 1;
      for (let nth = 0; nth < (counts[owner] as number); nth++) {
        const hash = mix32((start + Math.imul(nth, stride)) | 0);
        unsorted[filled++] = hash;
        const bucket = (hash >>> shift) + 1;
        starts[bucket] = (starts[bucket] as number) + 1;
      }
    }
    for (let bucket = 1; bucket < starts.length; bucket++) {
      starts[bucket] = (starts[bucket] as number) + (starts[bucket - 1] as number);
    }
    this.starts = starts;
    this.points = new Uint32Array(length);
    this.owners = new Int32Array(length);
    this.place(unsorted, names, counts);
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

  private place(unsorted: Uint32Array, names: readonly string[], counts: Int32Array): void {
    const { points, owners, starts, shift } = this;
    const ends = starts.slice();
    let next = 0;
    for (let owner = 0; owner < counts.length; owner++) {
      for (let nth = 0; nth < (counts[owner] as number); nth++) {
        const hash = unsorted[next++] as number;
        const bucket = hash >>> shift;
        const first = starts[bucket] as number;
        let position = ends[bucket] as number;
        ends[bucket] = position + 1;
        // Equal points are ordered by name, not by position in the list, so that every node agrees about them.
        while (
          position > first &&
          ((points[position - 1] as number) > hash ||
            (points[position - 1] === hash &&
              (names[owners[position - 1] as number] as string) > (names[owner] as string)))
        ) {
          points[position] = points[position - 1] as number;
          owners[position] = owners[position - 1] as number;
          position--;
        }
        points[position] = hash;
        owners[position] = owner;
      }
    }
  }
}
