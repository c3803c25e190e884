/** One decoded field. Entries of HPACK's tables are such objects, so that a repeated field costs nothing to make. */
export interface Field {
  /** Lower case; begins with ":" for a pseudo-header. */
  readonly name: string;
  /** One character per byte (latin1). */
  readonly value: string;
  /** `FieldId` of the name (http1/fields.ts); 0 for others and for pseudo-headers. */
  readonly id: number;
  /** `name: value\r\n`: as HTTP/1.1 writes it; "" for a pseudo-header. Made once per field. */
  readonly line: string;
  /** What of RFC 9113 8.2 the field violates in itself (an upper-case or empty name, a forbidden byte, white space around the value); "" if nothing. */
  readonly problem: string;
}

/** For lists that nobody has given limits. */
const NO_LIMIT = 0x3fffffff;

/**
 * The fields of one header block, in order. Used again for each. Fields beyond the limits are not kept: `overflow` says
 * that there were some, and what is in the list is then the beginning of the block.
 */
export class FieldList {
  readonly fields: Field[] = [];
  count = 0;
  /** As RFC 9113 6.5.2 counts it: 32 bytes per field, and name and value. Without those that were not kept. */
  size = 0;
  /** Bounds of `size` and `count`. */
  maxSize: number;
  maxCount: number;
  /** The block had more than the limits allow. */
  overflow = false;

  constructor(maxSize: number = NO_LIMIT, maxCount: number = NO_LIMIT) {
    this.maxSize = maxSize;
    this.maxCount = maxCount;
  }

  add(field: Field): void {
    const size = this.size + field.name.length + field.value.length + 32;
    const at = this.count;
    if (this.overflow || size > this.maxSize || at >= this.maxCount) {
      this.overflow = true;
      return;
    }
    this.size = size;
    this.fields[at] = field;
    this.count = at + 1;
  }

  reset(): void {
    this.count = 0;
    this.size = 0;
    this.overflow = false;
  }
}
