import { bytesEqualIgnoreCase } from "./characters.ts";

/** Bits of what a Connection field says (RFC 9110 7.6.1). */
export const OPTION_CLOSE = 1;
export const OPTION_KEEP_ALIVE = 2;
export const OPTION_UPGRADE = 4;
/** The field names something else: a header field that goes no further than this connection. */
export const OPTION_OTHER = 8;

/** The options that the comma-separated list bytes[start, end) holds, as bits. Allocates nothing. */
export function connectionOptions(bytes: Uint8Array, start: number, end: number): number {
  let options = 0;
  let from = start;
  while (from < end) {
    let comma = from;
    while (comma < end && bytes[comma] !== 44) comma++;
    options |= optionOf(bytes, from, comma);
    from = comma + 1;
  }
  return options;
}

function optionOf(bytes: Uint8Array, from: number, to: number): number {
  let start = from;
  let end = to;
  while (start < end && isSpace(bytes[start])) start++;
  while (end > start && isSpace(bytes[end - 1])) end--;
  switch (end - start) {
    case 0:
      return 0;
    case 5:
      return bytesEqualIgnoreCase(bytes, start, end, "close") ? OPTION_CLOSE : OPTION_OTHER;
    case 7:
      return bytesEqualIgnoreCase(bytes, start, end, "upgrade") ? OPTION_UPGRADE : OPTION_OTHER;
    case 10:
      return bytesEqualIgnoreCase(bytes, start, end, "keep-alive") ? OPTION_KEEP_ALIVE : OPTION_OTHER;
    default:
      return OPTION_OTHER;
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9;
}
