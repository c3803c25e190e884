const FIRST_CAPACITY = 2048;

/** Bytes that came in many small pieces, kept as one: how they were cut does not make them cost more. */
export class HeldBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(buffer: Buffer, length: number): void {
    const wanted = this.#length + length;
    if (wanted > this.#bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(wanted, FIRST_CAPACITY, 2 * this.#bytes.length));
      this.#bytes.copy(bytes, 0, 0, this.#length);
      this.#bytes = bytes;
    }
    buffer.copy(this.#bytes, this.#length, 0, length);
    this.#length = wanted;
  }

  /** All of it; nothing is held any more. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.alloc(0);
    this.#length = 0;
    return bytes;
  }
}
