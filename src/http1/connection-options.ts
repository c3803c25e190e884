import { equalsIgnoreCase } from "./characters.ts";

/** Bits of what a Connection field says (RFC 9110 7.6.1). */
export const OPTION_CLOSE = 1;
export const OPTION_KEEP_ALIVE = 2;
export const OPTION_UPGRADE = 4;
/** The field names something else: a header field that goes no further than this connection. */
export const OPTION_OTHER = 8;

/** The options that the comma-separated list text[start, end) holds, as bits. Allocates nothing. */
export function connectionOptions(text: string, start: number, end: number): number {
  let options = 0;
  let from = start;
  while (from < end) {
    let comma = from;
    while (comma < end && text.charCodeAt(comma) !== 44) comma++;
    options |= optionOf(text, from, comma);
    from = comma + 1;
  }
  return options;
}

function optionOf(text: string, from: number, to: number): number {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  switch (end - start) {
    case 0:
      return 0;
    case 5:
      return equalsIgnoreCase(text, start, end, "close") ? OPTION_CLOSE : OPTION_OTHER;
    case 7:
      return equalsIgnoreCase(text, start, end, "upgrade") ? OPTION_UPGRADE : OPTION_OTHER;
    case 10:
      return equalsIgnoreCase(text, start, end, "keep-alive") ? OPTION_KEEP_ALIVE : OPTION_OTHER;
    default:
      return OPTION_OTHER;
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9;
}
