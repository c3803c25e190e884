import { combine, hashString, mix32 } from "./hash.ts";

/**
 * Places for a rendezvous by race. Owners hold places among 2^k by their names alone; a key draws places in its own
 * pseudo-random order, and the owner of the first held place wins. An owner's score is how early the key's sequence
 * meets it, so this is a rendezvous (highest random weight) whose scores come out in descending order: only the first
 * few have to be computed instead of one per owner. An owner with twice as many places is met first twice as often.
 *
 * Where several owners hold the same place, they meet there in the order of `combine(key, name)`.
 *
 * Related: D. G. Thaler, C. V. Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998; C. Dong,
 * F. Wang, "DxHash", 2021 (sequences of draws over a sparse table).
 */
export class RaceTable {
  /** Owners by place: those of place p are `owners[starts[p]]` up to `owners[starts[p + 1] - 1]`. */
  readonly starts: Int32Array;
  readonly owners: Int32Array;
  readonly names: Uint32Array;
  private readonly shift: number;

  /**
   * @param names names of the owners; their indexes are the owners
   * @param counts how many places each owner holds
   */
  constructor(names: readonly string[], counts: Int32Array) {
    let length = 0;
    for (const count of counts) length += count;
    // At least as many places as are held: a draw meets an owner with a chance between 40 and 63 %.
    const bits = Math.max(1, 32 - Math.clz32(length - 1));
    this.shift = 32 - bits;
    this.names = Uint32Array.from(names, (name) => hashString(name, 5));
    this.starts = new Int32Array((1 << bits) + 1);
    this.owners = new Int32Array(length);
    const held = new Int32Array(length);
    let filled = 0;
    for (let owner = 0; owner < names.length; owner++) {
      const stride = hashString(names[owner] as string, 6);
      for (let nth = 0; nth < (counts[owner] as number); nth++) {
        const place = combine((this.names[owner] as number) + nth, stride) >>> this.shift;
        held[filled++] = place;
        this.starts[place + 1] = (this.starts[place + 1] as number) + 1;
      }
    }
    for (let place = 1; place < this.starts.length; place++) {
      this.starts[place] = (this.starts[place] as number) + (this.starts[place - 1] as number);
    }
    const ends = this.starts.slice();
    filled = 0;
    for (let owner = 0; owner < names.length; owner++) {
      for (let nth = 0; nth < (counts[owner] as number); nth++) {
        const place = held[filled++] as number;
        const position = ends[place] as number;
        ends[place] = position + 1;
        this.owners[position] = owner;
      }
    }
  }

  /** The place that the nth draw of a key meets. */
  place(key: number, draw: number): number {
    return mix32((key + Math.imul(draw, 0x9e3779b9)) | 0) >>> this.shift;
  }
}
