import type { ConnectionStream } from "./stream.ts";

const FIRST_CAPACITY = 16;

/**
 * The streams of a connection that are not closed, by identifier, and in the order of their opening. Open addressing:
 * identifiers in use lie close together, so that nearly every look-up hits at once.
 */
export class StreamTable {
  private ids = new Int32Array(FIRST_CAPACITY);
  private slots: (ConnectionStream | undefined)[] = Array.from({ length: FIRST_CAPACITY }, () => undefined);
  private mask = FIRST_CAPACITY - 1;
  private used = 0;
  /** The oldest; `next` of each leads to the others. */
  first: ConnectionStream | null = null;
  private last: ConnectionStream | null = null;

  get(id: number): ConnectionStream | undefined {
    const ids = this.ids;
    const mask = this.mask;
    for (let at = (id >>> 1) & mask; ids[at] !== 0; at = (at + 1) & mask) if (ids[at] === id) return this.slots[at];
    return undefined;
  }

  /** Adds a stream to the end; one that has no identifier yet is found only there. */
  add(stream: ConnectionStream): void {
    stream.previous = this.last;
    if (this.last === null) this.first = stream;
    else this.last.next = stream;
    this.last = stream;
    if (stream.id !== 0) this.index(stream);
  }

  /** Makes a stream that was added findable by its identifier. */
  index(stream: ConnectionStream): void {
    if (++this.used * 2 > this.mask) this.grow();
    this.place(stream);
  }

  private place(stream: ConnectionStream): void {
    let at = (stream.id >>> 1) & this.mask;
    while (this.ids[at] !== 0) at = (at + 1) & this.mask;
    this.ids[at] = stream.id;
    this.slots[at] = stream;
  }

  private grow(): void {
    const old = this.slots;
    const capacity = old.length * 2;
    this.ids = new Int32Array(capacity);
    this.slots = Array.from({ length: capacity }, () => undefined);
    this.mask = capacity - 1;
    for (const stream of old) if (stream !== undefined) this.place(stream);
  }

  remove(stream: ConnectionStream): void {
    const { previous, next } = stream;
    if (previous === null) this.first = next;
    else previous.next = next;
    if (next === null) this.last = previous;
    else next.previous = previous;
    stream.previous = null;
    stream.next = null;
    if (stream.id !== 0) this.unindex(stream.id);
  }

  private unindex(id: number): void {
    const { ids, slots, mask } = this;
    let hole = (id >>> 1) & mask;
    while (ids[hole] !== id) {
      if (ids[hole] === 0) return;
      hole = (hole + 1) & mask;
    }
    this.used--;
    // What stands behind the hole and would not be found across it moves into it.
    for (let at = (hole + 1) & mask; ids[at] !== 0; at = (at + 1) & mask) {
      const home = (ids[at] >>> 1) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      ids[hole] = ids[at];
      slots[hole] = slots[at];
      hole = at;
    }
    ids[hole] = 0;
    slots[hole] = undefined;
  }
}
