import { copyBytes } from "./frames/output.ts";

interface Chunk {
  readonly bytes: Buffer;
  from: number;
  to: number;
  next: Chunk | null;
}

/** Small pieces are gathered, so that a queue of single bytes does not cost a buffer for each. */
const MIN_CHUNK = 2048;

/** Bytes of one stream's body that wait for a window or for the socket: copies of what was given. */
export class SendQueue {
  /** Bytes in the queue. */
  length = 0;
  private first: Chunk | null = null;
  private last: Chunk | null = null;

  /** Adds a copy of bytes[from, to). */
  append(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    this.length += to - from;
    const last = this.last;
    if (last !== null && last.to < last.bytes.length) {
      const end = Math.min(to, at + last.bytes.length - last.to);
      copyBytes(bytes, at, end, last.bytes, last.to);
      last.to += end - at;
      at = end;
    }
    if (at === to) return;
    const chunk: Chunk = { bytes: Buffer.allocUnsafe(Math.max(to - at, MIN_CHUNK)), from: 0, to: to - at, next: null };
    copyBytes(bytes, at, to, chunk.bytes, 0);
    if (this.last === null) this.first = chunk;
    else this.last.next = chunk;
    this.last = chunk;
  }

  /** Moves the oldest bytes to target at a position; there must be as many. */
  moveTo(target: Buffer, at: number, length: number): void {
    this.length -= length;
    const end = at + length;
    while (at < end) {
      const chunk = this.first!;
      const count = Math.min(end - at, chunk.to - chunk.from);
      copyBytes(chunk.bytes, chunk.from, chunk.from + count, target, at);
      at += count;
      chunk.from += count;
      if (chunk.from < chunk.to) continue;
      this.first = chunk.next;
      if (this.first === null) this.last = null;
    }
  }

  clear(): void {
    this.length = 0;
    this.first = null;
    this.last = null;
  }
}
