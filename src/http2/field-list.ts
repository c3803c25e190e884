/** One decoded field. Entries of HPACK's tables are such objects, so that a repeated field costs nothing to make. */
export interface Field {
  /** Lower case; begins with ":" for a pseudo-header. */
  readonly name: string;
  /** One character per byte (latin1). */
  readonly value: string;
  /** `FieldId` of the name (http1/fields.ts); 0 for others and for pseudo-headers. */
  readonly id: number;
  /** `name: value\r\n`: as HTTP/1.1 writes it. Made once per field. */
  readonly line: string;
  /** What of RFC 9113 8.2 the field violates in itself (an upper-case or empty name, a forbidden byte, white space around the value); "" if nothing. */
  readonly problem: string;
}

/** The fields of one header block, in order. Used again for each. */
export class FieldList {
  readonly fields: Field[] = [];
  count = 0;
  /** As RFC 9113 6.5.2 counts it: 32 bytes per field, and name and value. */
  size = 0;

  add(field: Field): void {
    this.fields[this.count++] = field;
    this.size += field.name.length + field.value.length + 32;
  }

  reset(): void {
    this.count = 0;
    this.size = 0;
  }
}
