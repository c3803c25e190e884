import type { Field } from "../field-list.ts";
import { DecodedField } from "./decoded-field.ts";

const NO_FIELD: Field = new DecodedField(":none", "", 0, "");

const INITIAL_ENTRIES = 64;

/** Bytes that an entry counts for beyond its name and value (RFC 7541 4.1). */
export const ENTRY_OVERHEAD = 32;

/** The decoder's dynamic table (RFC 7541 2.3.2): a ring of fields that is bounded by their size. */
export class DecoderTable {
  /** Number of entries. */
  count = 0;
  /** Their size (RFC 7541 4.1). */
  size = 0;
  /** Bound of `size`. */
  maxSize: number;

  /** Grows to its full length with the first entries: a power of two, so that positions wrap by masking. */
  private ring: Field[] = [];
  private mask = INITIAL_ENTRIES - 1;
  /** Where the next entry goes. */
  private head = 0;

  constructor(maxSize: number) {
    this.maxSize = maxSize;
  }

  /** The entry that came `age` entries before the newest; 0 <= age < count. */
  at(age: number): Field {
    return this.ring[(this.head - 1 - age) & this.mask];
  }

  /** Adds an entry, for which older ones go; one that is larger than the table only empties it (RFC 7541 4.4). */
  add(field: Field): void {
    const size = field.name.length + field.value.length + ENTRY_OVERHEAD;
    this.shrink(this.maxSize - size);
    if (size > this.maxSize) return;
    if (this.count > this.mask) this.grow();
    this.ring[this.head] = field;
    this.head = (this.head + 1) & this.mask;
    this.count++;
    this.size += size;
  }

  setMaxSize(maxSize: number): void {
    this.maxSize = maxSize;
    this.shrink(maxSize);
  }

  /** Removes the oldest entries until the rest fits. */
  shrink(size: number): void {
    while (this.count > 0 && this.size > size) {
      const at = (this.head - this.count) & this.mask;
      const oldest = this.ring[at];
      this.ring[at] = NO_FIELD;
      this.size -= oldest.name.length + oldest.value.length + ENTRY_OVERHEAD;
      this.count--;
    }
  }

  private grow(): void {
    const ring: Field[] = [];
    for (let i = 0; i < this.count; i++) ring.push(this.ring[(this.head - this.count + i) & this.mask]);
    this.head = this.count;
    this.ring = ring;
    this.mask = this.mask * 2 + 1;
  }
}
