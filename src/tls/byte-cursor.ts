/**
 * Reads the presentation language of TLS (RFC 8446 3): numbers in network order and vectors with their length in front.
 * Reading beyond the end gives zeros and sets `failed`, so a structure is read to its end and judged once.
 */
export class ByteCursor {
  /** Something was not there. */
  failed = false;
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Bytes that were not read. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** An unsigned number of that many bytes, at most 3. */
  number(size: number): number {
    if (!this.#has(size)) return 0;
    let value = 0;
    for (const end = this.#at + size; this.#at < end; this.#at++) value = value * 256 + this.#bytes[this.#at]!;
    return value;
  }

  skip(size: number): void {
    if (this.#has(size)) this.#at += size;
  }

  /** The contents of a vector whose length is a number of `size` bytes; empty and failed when they are not all there. */
  vector(size: number): ByteCursor {
    const length = this.number(size);
    if (!this.#has(length)) {
      const nothing = new ByteCursor(this.#bytes, this.#end, this.#end);
      nothing.failed = true;
      return nothing;
    }
    this.#at += length;
    return new ByteCursor(this.#bytes, this.#at - length, this.#at);
  }

  /** All that is left, one character for each byte. */
  text(): string {
    let text = "";
    for (; this.#at < this.#end; this.#at++) text += String.fromCharCode(this.#bytes[this.#at]!);
    return text;
  }

  #has(size: number): boolean {
    if (size <= this.left) return true;
    this.failed = true;
    this.#at = this.#end;
    return false;
  }
}
