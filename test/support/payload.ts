import { createHash } from "node:crypto";
import { Readable } from "node:stream";

/*
 * Bodies of any size whose content follows from their size alone. Each block of 64 KiB begins with its number, so that
 * blocks that are lost, doubled or swapped change the checksum.
 */
const BLOCK = 64 * 1024;
const pattern = Buffer.alloc(BLOCK);
for (let i = 0; i < BLOCK; i++) pattern[i] = (Math.imul(i, 2654435761) >>> 13) & 0xff;

function* blocks(size: number): Generator<Buffer> {
  for (let at = 0, number = 0; at < size; at += BLOCK, number++) {
    const block = Buffer.from(pattern.subarray(0, Math.min(BLOCK, size - at)));
    if (block.length >= 4) block.writeUInt32BE(number);
    yield block;
  }
}

/** The body of that many bytes, as a stream. */
export function payload(size: number): Readable {
  return Readable.from(blocks(size), { objectMode: false, highWaterMark: 4 * BLOCK });
}

/** The body of that many bytes at once; for small ones. */
export function payloadBytes(size: number): Buffer {
  return Buffer.concat([...blocks(size)]);
}

/** SHA-256 of the body of that many bytes, in hexadecimal. */
export function payloadHash(size: number): string {
  const hash = createHash("sha256");
  for (const block of blocks(size)) hash.update(block);
  return hash.digest("hex");
}

/** Length and SHA-256 of what comes. */
export async function digest(body: AsyncIterable<Uint8Array>): Promise<{ length: number; sha256: string }> {
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of body) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { length, sha256: hash.digest("hex") };
}
