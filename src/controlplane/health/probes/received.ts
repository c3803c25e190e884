/** Bytes of an answer that have come and are not used up yet, with a bound. */
export class Received {
  readonly #limit: number;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param limit most bytes that are held */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Takes bytes in; false when there would be too many. */
  push(chunk: Buffer): boolean {
    if (this.#bytes.length + chunk.length > this.#limit) return false;
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    return true;
  }

  /** Drops the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count);
  }
}
