import { ENTRY_OVERHEAD } from "./decoder-table.ts";
import { STATIC_COUNT } from "./static-table.ts";

/** One entry of an encoder's dynamic table. */
export class EncoderEntry {
  /** `name: value\r\n` as it was met, which is what it is found by. A text of its own, not part of a message. */
  readonly line: string;
  readonly value: string;
  readonly size: number;
  /** How many entries came before it. */
  readonly number: number;
  /** What followed it the last time; an entry that is in no table if nothing. */
  next: EncoderEntry;

  constructor(line: string, value: string, size: number, number: number, next?: EncoderEntry) {
    this.line = line;
    this.value = value;
    this.size = size;
    this.number = number;
    this.next = next ?? this;
  }
}

/** Never in a table. */
export const NO_ENTRY = new EncoderEntry("", "", 0, -1);

/** The encoder's dynamic table (RFC 7541 2.3.2): found by line, bounded by size. */
export class EncoderTable {
  /** Bound of `size`. */
  maxSize: number;
  /** As RFC 7541 4.1 counts it. */
  private size = 0;
  private readonly byLine = new Map<string, EncoderEntry>();
  /** Entries by their number, wrapped. Grows to its full length with the first ones. */
  private readonly ring: EncoderEntry[] = [];
  private readonly mask: number;
  /** Number of the next entry, and of the oldest that is there. */
  private added = 0;
  private oldest = 0;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
    let length = 1;
    while (length * ENTRY_OVERHEAD <= maxSize) length *= 2;
    this.mask = length - 1;
  }

  find(line: string): EncoderEntry | undefined {
    return this.byLine.get(line);
  }

  holds(entry: EncoderEntry): boolean {
    return entry.number >= this.oldest;
  }

  /** Index of an entry that is there. */
  indexOf(entry: EncoderEntry): number {
    return STATIC_COUNT + this.added - entry.number;
  }

  /** Adds an entry that fits into the table. `size` is that of name and value. */
  add(line: string, value: string, size: number): EncoderEntry {
    const entry = new EncoderEntry(line, value, size + ENTRY_OVERHEAD, this.added, NO_ENTRY);
    this.shrink(this.maxSize - entry.size);
    this.ring[this.added & this.mask] = entry;
    this.added++;
    this.size += entry.size;
    this.byLine.set(line, entry);
    return entry;
  }

  setMaxSize(maxSize: number): void {
    this.maxSize = maxSize;
    this.shrink(maxSize);
  }

  private shrink(size: number): void {
    while (this.oldest < this.added && this.size > size) {
      const entry = this.ring[this.oldest & this.mask];
      this.ring[this.oldest & this.mask] = NO_ENTRY;
      this.oldest++;
      this.size -= entry.size;
      this.byLine.delete(entry.line);
      // An entry that another still points at must not keep all those alive that came behind it.
      entry.next = NO_ENTRY;
    }
  }
}
