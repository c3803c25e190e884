import { FieldList } from "./field-list.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import type { Http2ConnectionOptions } from "./peer.ts";

const NO_BLOCK = Buffer.alloc(0);
const FIRST_BLOCK = 16_384;

/** Gathers the fragments of a header block (RFC 9113 4.3) and decodes blocks, one at a time. */
export class HeadBlocks {
  /** What `decode` has found. */
  readonly fields: FieldList;
  private readonly decoder: HpackDecoder;
  private readonly maxBlock: number;
  /** Stream and END_STREAM of the block that is gathered; 0 if none is. */
  stream = 0;
  end = false;
  /** CONTINUATION frames of this block. */
  continuations = 0;
  private block: Buffer = NO_BLOCK;
  private length = 0;

  constructor(options: Http2ConnectionOptions) {
    this.fields = new FieldList(options.maxHeadSize, options.maxHeaders);
    this.decoder = new HpackDecoder(options.headerTableSize);
    // What one frame holds can be decoded for the sake of the table, and its excess dropped; what is gathered is bounded.
    this.maxBlock = Math.max(options.maxFrameSize, 2 * options.maxHeadSize);
  }

  /** A block begins that is not complete. */
  begin(stream: number, end: boolean): void {
    this.stream = stream;
    this.end = end;
    this.continuations = 0;
    this.length = 0;
  }

  /** Adds a fragment. False if the block is too long. */
  add(buffer: Buffer, from: number, to: number): boolean {
    const length = this.length + to - from;
    if (length > this.maxBlock) return false;
    if (length > this.block.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.maxBlock, Math.max(FIRST_BLOCK, 2 * length)));
      this.block.copy(larger, 0, 0, this.length);
      this.block = larger;
    }
    buffer.copy(this.block, this.length, from, to);
    this.length = length;
    return true;
  }

  /** Decodes what was gathered. Returns null, or what is malformed. */
  finish(): string | null {
    const { block, length } = this;
    this.stream = 0;
    this.block = NO_BLOCK;
    return this.decode(block, 0, length);
  }

  /** Decodes a whole block. Returns null, or what is malformed. */
  decode(buffer: Buffer, from: number, to: number): string | null {
    this.fields.reset();
    return this.decoder.decode(buffer, from, to, this.fields);
  }

  settingsAcknowledged(): void {
    this.decoder.settingsAcknowledged();
  }
}
