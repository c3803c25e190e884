import { TOKEN, equalsIgnoreCase } from "./characters.ts";
import { INVALID_TRANSFER_ENCODING, UNKNOWN_TRANSFER_CODING, type ProtocolError } from "./protocol-error.ts";

/**
 * The number that bytes[start, end) is in decimal digits; -1 if it is anything else (a sign, a list, a hexadecimal number,
 * white space within, nothing) or 2^53 or more (RFC 9110 8.6).
 */
export function parseContentLength(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i] - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}

/**
 * Whether a tab stands in the white space around the value bytes[start, end). RFC 9110 5.6.3 allows it, but parsers
 * differ on whether `chunked` with a tab is `chunked`, so next to a value that decides about framing it is refused.
 */
export function hasTabAround(bytes: Uint8Array, start: number, end: number): boolean {
  let before = start - 1;
  while (bytes[before] === 32) before--;
  let after = end;
  while (bytes[after] === 32) after++;
  return bytes[before] === 9 || bytes[after] === 9;
}

/**
 * Null if the Transfer-Encoding value text[start, end) is exactly `chunked` (in any case). A list of other codings that ends in one
 * `chunked` frames the body but is more than we understand (501, RFC 9112 6.1); everything else leaves the length in
 * doubt (400, RFC 9112 6.3).
 */
export function transferEncodingError(text: string, start: number, end: number): ProtocolError | null {
  if (equalsIgnoreCase(text, start, end, "chunked")) return null;
  const codings = text.slice(start, end).toLowerCase().split(",");
  const last = codings.pop()!.trim();
  if (last !== "chunked" || codings.length === 0) return INVALID_TRANSFER_ENCODING;
  for (const listed of codings) {
    const coding = listed.trim();
    if (!isToken(coding) || coding === "chunked" || coding === "identity") return INVALID_TRANSFER_ENCODING;
  }
  return UNKNOWN_TRANSFER_CODING;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  return text !== "";
}
