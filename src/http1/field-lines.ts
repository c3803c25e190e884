import { FIELD_VALUE, TOKEN } from "./characters.ts";
import { fieldIdOfBytes } from "./fields.ts";
import type { HeaderBlock } from "./header-block.ts";
import {
  BARE_CARRIAGE_RETURN,
  BARE_LINE_FEED,
  FOLDED_HEADER,
  INVALID_HEADER,
  INVALID_HEADER_VALUE,
  SPACE_BEFORE_COLON,
  SPACE_BEFORE_FIRST_HEADER,
  TOO_MANY_HEADERS,
  type ProtocolError,
} from "./protocol-error.ts";

/** Parts of a field line in which scanning can stop for want of bytes. */
const LINE_START = 0;
const IN_NAME = 1;
const IN_VALUE = 2;

/** The lines are not finished: the block holds where to go on. */
export const LINES_NEED_MORE = 0;
/** The blank line was seen: `linesEnd` and `end` are set. */
export const LINES_COMPLETE = 1;

/**
 * Scans field lines (RFC 9112 5) of `bytes` from `block.position` up to `limit`, and records them in the block. Goes on where
 * it stopped when it is called again with more bytes. Returns one of the constants above, or the error at the first byte
 * that cannot stand where it stands.
 */
export function parseFieldLines(
  block: HeaderBlock,
  bytes: Uint8Array,
  limit: number,
  maxHeaders: number,
): 0 | 1 | ProtocolError {
  let ids = block.ids;
  let offsets = block.offsets;
  let count = block.count;
  let phase = block.fieldPhase;
  let i = block.position;
  let slot = count * 4;

  for (;;) {
    if (phase === LINE_START) {
      if (i >= limit) break;
      const first = bytes[i];
      if (TOKEN[first] !== 1) {
        if (first !== 13) return stopAt(block, count, lineStartError(first, count));
        if (i + 1 >= limit) break;
        if (bytes[i + 1] !== 10) return stopAt(block, count, BARE_CARRIAGE_RETURN);
        block.count = count;
        block.linesEnd = i;
        block.end = i + 2;
        block.position = i + 2;
        return LINES_COMPLETE;
      }
      if (count >= maxHeaders) return stopAt(block, count, TOO_MANY_HEADERS);
      if (count >= ids.length) {
        block.grow();
        ids = block.ids;
        offsets = block.offsets;
      }
      offsets[slot] = i++;
      phase = IN_NAME;
    }
    if (phase === IN_NAME) {
      while (i < limit && TOKEN[bytes[i]] === 1) i++;
      if (i >= limit) break;
      const byte = bytes[i];
      if (byte !== 58) return stopAt(block, count, nameEndError(byte));
      offsets[slot + 1] = i++;
      offsets[slot + 2] = i;
      phase = IN_VALUE;
    }
    // White space before the value. Met again only when scanning stopped right in it.
    let valueStart = offsets[slot + 2];
    if (i === valueStart) {
      while (i < limit && isSpace(bytes[i])) i++;
      valueStart = i;
      offsets[slot + 2] = i;
    }
    while (i < limit && FIELD_VALUE[bytes[i]] === 1) i++;
    if (i >= limit) break;
    const byte = bytes[i];
    if (byte !== 13) return stopAt(block, count, byte === 10 ? BARE_LINE_FEED : INVALID_HEADER_VALUE);
    if (i + 1 >= limit) break;
    if (bytes[i + 1] !== 10) return stopAt(block, count, BARE_CARRIAGE_RETURN);
    let valueEnd = i;
    while (valueEnd > valueStart && isSpace(bytes[valueEnd - 1])) valueEnd--;
    offsets[slot + 3] = valueEnd;
    ids[count] = fieldIdOfBytes(bytes, offsets[slot], offsets[slot + 1]);
    count++;
    slot += 4;
    i += 2;
    phase = LINE_START;
  }
  block.count = count;
  block.fieldPhase = phase;
  block.position = i;
  return LINES_NEED_MORE;
}

/** Records the fields that were complete before the error, so that the caller can look at them first. */
function stopAt(block: HeaderBlock, count: number, error: ProtocolError): ProtocolError {
  block.count = count;
  return error;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 9;
}

function lineStartError(byte: number, count: number): ProtocolError {
  if (isSpace(byte)) return count === 0 ? SPACE_BEFORE_FIRST_HEADER : FOLDED_HEADER;
  return byte === 10 ? BARE_LINE_FEED : INVALID_HEADER;
}

function nameEndError(byte: number): ProtocolError {
  if (isSpace(byte)) return SPACE_BEFORE_COLON;
  return byte === 10 ? BARE_LINE_FEED : INVALID_HEADER;
}
