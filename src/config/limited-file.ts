import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** A file as it was read. */
export interface ReadFile {
  readonly data: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Reads a regular file. Rejects with the system's error, or with an Error for one that has more than `max` bytes, whatever
 * its size is said to be, or is something else.
 */
export async function readLimited(path: string, max: number): Promise<ReadFile> {
  // A pipe would keep the thread that opens or reads it for as long as nobody writes, and there are only four of them.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = await handle.stat();
    if (!stat.isFile() && !stat.isDirectory()) throw new Error("it is not a regular file");
    // One byte more than there should be: a file that grows meanwhile is read on, with a bigger buffer.
    let buffer = Buffer.allocUnsafe(Math.min(stat.size, max) + 1);
    let filled = 0;
    for (;;) {
      if (filled === buffer.length) {
        if (filled > max) throw new Error(`it has more than ${max} bytes`);
        const larger = Buffer.allocUnsafe(Math.min(2 * filled + 1024, max + 1));
        buffer.copy(larger, 0, 0, filled);
        buffer = larger;
      }
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled);
      if (bytesRead === 0) return { data: buffer.subarray(0, filled), mode: stat.mode & 0o777 };
      filled += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
