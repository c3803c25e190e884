import { encodeHuffman, huffmanLength } from "./huffman-encoder.ts";

const INITIAL_BUFFER = 1024;
/** A buffer that one large block has made grow is given back with the next one. */
const KEPT_BUFFER = 64 * 1024;
/** Far above what heads may have (`maxHeadSize`); a larger block is a bug of the caller. */
const MAX_BLOCK = 16 * 1024 * 1024;

/** Bits of the representations (RFC 7541 6), with the mask of their integer. */
export const INDEXED = 0x80;
export const WITH_INDEXING = 0x40;
export const SIZE_UPDATE = 0x20;
export const NEVER_INDEXED = 0x10;
export const WITHOUT_INDEXING = 0x00;

const LOWER_CASE = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte | 32 : byte));

/** The bytes of header blocks, one after the other, in a buffer that grows to what they need. */
export class BlockWriter {
  /** Holds the block. Another one after any call that adds to it. */
  buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BUFFER);
  length = 0;

  /** Forgets the block. */
  protected empty(): void {
    this.length = 0;
    if (this.buffer.length > KEPT_BUFFER) this.buffer = Buffer.allocUnsafeSlow(INITIAL_BUFFER);
  }

  /** Adds a literal with the name bytes[start, nameEnd), or that of an index, and the value bytes[from, to). */
  protected literal(
    kind: number,
    bytes: Uint8Array,
    start: number,
    nameEnd: number,
    from: number,
    to: number,
    nameIndex: number,
  ): void {
    this.reserve(nameEnd - start + to - from + 24);
    this.integer(kind, kind === WITH_INDEXING ? 0x3f : 0x0f, nameIndex);
    if (nameIndex === 0) {
      this.integer(0, 0x7f, nameEnd - start);
      const { buffer } = this;
      let at = this.length;
      for (let i = start; i < nameEnd; i++) buffer[at++] = LOWER_CASE[bytes[i]];
      this.length = at;
    }
    if (kind === WITH_INDEXING) {
      const length = huffmanLength(bytes, from, to);
      if (length < to - from) {
        this.integer(0x80, 0x7f, length);
        this.length = encodeHuffman(bytes, from, to, this.buffer, this.length);
        return;
      }
    }
    this.integer(0, 0x7f, to - from);
    const { buffer } = this;
    let at = this.length;
    for (let i = from; i < to; i++) buffer[at++] = bytes[i];
    this.length = at;
  }

  /** Adds an integer (RFC 7541 5.1) behind the bits of its first byte. There must be room for 8 bytes. */
  protected integer(bits: number, mask: number, value: number): void {
    const { buffer } = this;
    if (value < mask) {
      buffer[this.length++] = bits | value;
      return;
    }
    buffer[this.length++] = bits | mask;
    let rest = value - mask;
    while (rest >= 128) {
      buffer[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[this.length++] = rest;
  }

  /** Makes room for that many more bytes. */
  protected reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    if (needed > MAX_BLOCK) throw new RangeError("header block of more than 16 MiB");
    const buffer = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(buffer, 0, 0, this.length);
    this.buffer = buffer;
  }
}
