import type { Field } from "../field-list.ts";
import { DecodedField } from "./decoded-field.ts";

const NO_FIELD: Field = new DecodedField(":none", "", 0, "");

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

  /** Length a power of two, so that positions wrap by masking. */
  private ring: Field[] = new Array<Field>(64).fill(NO_FIELD);
  private mask = 63;
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
    const ring = new Array<Field>(this.ring.length * 2).fill(NO_FIELD);
    for (let i = 0; i < this.count; i++) ring[i] = this.ring[(this.head - this.count + i) & this.mask];
    this.head = this.count;
    this.ring = ring;
    this.mask = ring.length - 1;
  }
}
