import {
  OPTION_CLOSE,
  OPTION_KEEP_ALIVE,
  OPTION_OTHER,
  OPTION_UPGRADE,
  connectionOptions,
} from "./connection-options.ts";
import { bytesEqualIgnoreCase } from "./characters.ts";
import { FieldId, LAST_INTERPRETED_FIELD } from "./fields.ts";
import { LINES_COMPLETE, LINES_NEED_MORE, parseFieldLines } from "./field-lines.ts";
import { hasTabAround, parseContentLength, transferEncodingError } from "./framing.ts";
import { COMPLETE, NEED_MORE, REFUSED, type ParseStatus, type RequestLimits } from "./parse-status.ts";
import {
  HEAD_TOO_LARGE,
  INVALID_CONTENT_LENGTH,
  INVALID_HOST,
  LENGTH_AND_CHUNKED,
  MISSING_HOST,
  REPEATED_CONTENT_LENGTH,
  REPEATED_HOST,
  INVALID_TRANSFER_ENCODING,
  TRANSFER_ENCODING_IN_HTTP_1_0,
  UNKNOWN_EXPECTATION,
  URI_TOO_LONG,
  type ProtocolError,
} from "./protocol-error.ts";
import { receivedBytes } from "./received-bytes.ts";
import type { RequestHead } from "./request-head.ts";
import { STAGE_FIELDS, parseRequestLine } from "./request-line.ts";

/** Bytes that are looked at first. */
const FIRST_WINDOW = 2048;

/** The head was refused; parsing it again gives the same error. */
const STAGE_REFUSED = 6;

/**
 * Parses the request head that begins at `start`; strict by RFC 9110 and 9112. `text` may be incomplete and may go on behind the
 * head. After NEED_MORE call again with the same start and text that has grown at its end: finished lines are not scanned again. An error
 * is reported with the byte that causes it. Anything behind `head.end` is not looked at.
 *
 * @param received the bytes that `text` was made of, at the same positions, if the caller has them: they are scanned then,
 *   and need not be written out again
 */
export function parseRequestHead(
  head: RequestHead,
  text: string,
  start: number,
  limits: RequestLimits,
  received: Uint8Array | null = null,
): ParseStatus {
  if (head.stage === STAGE_REFUSED) return REFUSED;
  head.text = text;
  const sizeLimit = start + limits.maxHeadSize;
  const limit = text.length < sizeLimit ? text.length : sizeLimit;
  if (head.stage === 0) head.position = start;
  if (received !== null) {
    const status = parseUpTo(head, received, limit, limits);
    if (status !== NEED_MORE || text.length < sizeLimit) return status;
    return refuse(head, head.stage < STAGE_FIELDS ? URI_TOO_LONG : HEAD_TOO_LARGE);
  }
  // Most heads end within the first window; a body behind a head is not copied for nothing.
  const window = (head.position > start ? head.position : start) + FIRST_WINDOW;
  if (window < limit) {
    const status = parseUpTo(head, receivedBytes(text, start, window), window, limits);
    if (status !== NEED_MORE) return status;
  }
  const status = parseUpTo(head, receivedBytes(text, start, limit), limit, limits);
  if (status !== NEED_MORE || text.length < sizeLimit) return status;
  return refuse(head, head.stage < STAGE_FIELDS ? URI_TOO_LONG : HEAD_TOO_LARGE);
}

function parseUpTo(head: RequestHead, bytes: Uint8Array, limit: number, limits: RequestLimits): ParseStatus {
  if (head.stage < STAGE_FIELDS) {
    const result = parseRequestLine(head, bytes, limit, limits.maxRequestLine);
    if (result === 0) return NEED_MORE;
    if (result !== 1) return refuse(head, result);
  }
  const result = parseFieldLines(head, bytes, limit, limits.maxHeaders);
  const error = interpretFields(head, bytes);
  if (error !== null) return refuse(head, error);
  if (result === LINES_COMPLETE) return finish(head);
  return result === LINES_NEED_MORE ? NEED_MORE : refuse(head, result);
}

function refuse(head: RequestHead, error: ProtocolError): ParseStatus {
  head.stage = STAGE_REFUSED;
  head.error = error;
  return REFUSED;
}

/** Looks at the fields that have come since the last time. */
function interpretFields(head: RequestHead, bytes: Uint8Array): ProtocolError | null {
  const { ids, offsets, count } = head;
  for (let i = head.interpreted; i < count; i++) {
    const id = ids[i];
    if (id === 0 || id > LAST_INTERPRETED_FIELD) continue;
    const error = interpretField(head, bytes, id, offsets[i * 4 + 2], offsets[i * 4 + 3]);
    if (error !== null) return error;
  }
  head.interpreted = count;
  return null;
}

function interpretField(
  head: RequestHead,
  bytes: Uint8Array,
  id: number,
  start: number,
  end: number,
): ProtocolError | null {
  switch (id) {
    case FieldId.host:
      if (head.hasHost) return REPEATED_HOST;
      head.hasHost = true;
      return head.readHost(bytes, start, end) ? null : INVALID_HOST;
    case FieldId.contentLength:
      if (head.hasTransferEncoding) return LENGTH_AND_CHUNKED;
      if (head.contentLength >= 0) return REPEATED_CONTENT_LENGTH;
      head.contentLength = parseContentLength(bytes, start, end);
      return head.contentLength < 0 || hasTabAround(bytes, start, end) ? INVALID_CONTENT_LENGTH : null;
    case FieldId.transferEncoding:
      if (head.contentLength >= 0) return LENGTH_AND_CHUNKED;
      if (head.hasTransferEncoding) return INVALID_TRANSFER_ENCODING;
      if (head.minor === 0) return TRANSFER_ENCODING_IN_HTTP_1_0;
      head.hasTransferEncoding = true;
      head.chunked = true;
      if (hasTabAround(bytes, start, end)) return INVALID_TRANSFER_ENCODING;
      return transferEncodingError(head.text, start, end);
    case FieldId.connection:
      head.connection |= connectionOptions(bytes, start, end);
      return null;
    case FieldId.upgrade:
      head.hasUpgrade = true;
      return null;
    default:
      if (!bytesEqualIgnoreCase(bytes, start, end, "100-continue")) return UNKNOWN_EXPECTATION;
      head.expectContinue = true;
      return null;
  }
}

/** What only the whole head tells. */
function finish(head: RequestHead): ParseStatus {
  const { text } = head;
  if (!head.hasHost && head.minor === 1) return refuse(head, MISSING_HOST);
  const options = head.connection;
  head.target =
    head.path === "/" && head.targetEnd === head.targetStart + 1 ? "/" : text.slice(head.targetStart, head.targetEnd);
  head.keepAlive = (options & OPTION_CLOSE) === 0 && (head.minor === 1 || (options & OPTION_KEEP_ALIVE) !== 0);
  head.nominates = (options & OPTION_OTHER) !== 0;
  head.upgrade = head.hasUpgrade && head.minor === 1 && (options & OPTION_UPGRADE) !== 0;
  head.expectContinue = head.expectContinue && head.minor === 1 && (head.chunked || head.contentLength > 0);
  return COMPLETE;
}
