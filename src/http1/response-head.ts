import {
  OPTION_CLOSE,
  OPTION_KEEP_ALIVE,
  OPTION_OTHER,
  OPTION_UPGRADE,
  connectionOptions,
} from "./connection-options.ts";
import { FIELD_VALUE } from "./characters.ts";
import { LINES_COMPLETE, LINES_NEED_MORE, parseFieldLines } from "./field-lines.ts";
import { FieldId, LAST_INTERPRETED_FIELD } from "./fields.ts";
import { hasTabAround, parseContentLength, transferEncodingError } from "./framing.ts";
import { HeaderBlock } from "./header-block.ts";
import { receivedBytes } from "./received-bytes.ts";
import { COMPLETE, NEED_MORE, REFUSED, type HeadLimits, type ParseStatus } from "./parse-status.ts";
import {
  BARE_CARRIAGE_RETURN,
  BARE_LINE_FEED,
  BODY_NOT_ALLOWED,
  HEAD_TOO_LARGE,
  INVALID_CONTENT_LENGTH,
  INVALID_STATUS_LINE,
  INVALID_TRANSFER_ENCODING,
  LENGTH_AND_CHUNKED,
  REPEATED_CONTENT_LENGTH,
  TRANSFER_ENCODING_IN_HTTP_1_0,
  type ProtocolError,
} from "./protocol-error.ts";

/** How a response's body ends: there is none, after Content-Length bytes, with the last chunk, or with the connection. */
export type BodyKind = 0 | 1 | 2 | 3;

export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
export const BODY_UNTIL_CLOSE = 3;

/** Stages of parsing. */
const STAGE_STATUS_LINE = 0;
const STAGE_FIELDS = 1;
const STAGE_REFUSED = 2;

/** Bytes that are looked at first. */
const FIRST_WINDOW = 2048;

/** `HTTP/1.1 200`. */
const STATUS_LENGTH = 12;

/**
 * Head of an HTTP/1 response. Made once per connection and used again: call `reset` before each head, interim ones included.
 * The values are right only after `parseResponseHead` has returned COMPLETE.
 */
export class ResponseHead extends HeaderBlock {
  minor: 0 | 1 = 1;
  /** 100..599. */
  status = 0;
  /** Where the reason phrase stands in the text; empty if there is none. */
  reasonStart = 0;
  reasonEnd = 0;
  /** Content-Length; -1 without one. */
  contentLength = -1;
  chunked = false;
  /** Whether the server lets the connection stay (RFC 9112 9.3). A body that ends with the connection ends it all the same. */
  keepAlive = true;
  /** The server has switched protocols: 101, with Upgrade and Connection: upgrade (RFC 9110 7.8). */
  upgrade = false;
  error: ProtocolError | null = null;

  /** State of the parser. */
  stage = STAGE_STATUS_LINE;
  lineStart = 0;
  interpreted = 0;
  connection = 0;
  hasUpgrade = false;

  /** Makes ready for the next response. */
  reset(): void {
    this.resetFields();
    this.minor = 1;
    this.status = 0;
    this.reasonStart = 0;
    this.reasonEnd = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.keepAlive = true;
    this.upgrade = false;
    this.error = null;
    this.stage = STAGE_STATUS_LINE;
    this.interpreted = 0;
    this.connection = 0;
    this.hasUpgrade = false;
  }

  /** The reason phrase as received. */
  get reason(): string {
    return this.text.slice(this.reasonStart, this.reasonEnd);
  }

  /** The status line as received, with its CRLF. */
  get statusLine(): string {
    return this.text.slice(this.lineStart, this.linesStart);
  }
}

/** How the body of this response ends (RFC 9112 6.3). The method is that of the request that it answers. */
export function bodyKind(head: ResponseHead, requestMethod: string): BodyKind {
  const status = head.status;
  if (requestMethod === "HEAD" || status < 200 || status === 204 || status === 304) return BODY_NONE;
  if (requestMethod === "CONNECT" && status < 300) return BODY_NONE;
  if (head.chunked) return BODY_CHUNKED;
  return head.contentLength >= 0 ? BODY_LENGTH : BODY_UNTIL_CLOSE;
}

/**
 * Parses the response head that begins at `start`, as `parseRequestHead` does for requests. Everything that another
 * recipient could read differently is an error, and the connection must not be used again: a length together with a
 * transfer coding, a repeated length, a length or coding where no content can be, a coding in HTTP/1.0, and any malformed line.
 * The method is that of the request that it answers.
 *
 * @param received the bytes that `text` was made of, at the same positions, if the caller has them
 */
export function parseResponseHead(
  head: ResponseHead,
  text: string,
  start: number,
  limits: HeadLimits,
  requestMethod: string,
  received: Uint8Array | null = null,
): ParseStatus {
  if (head.stage === STAGE_REFUSED) return REFUSED;
  head.text = text;
  const sizeLimit = start + limits.maxHeadSize;
  const limit = text.length < sizeLimit ? text.length : sizeLimit;
  if (head.stage === STAGE_STATUS_LINE) head.lineStart = start;
  if (received !== null) {
    const status = parseUpTo(head, received, limit, limits, requestMethod);
    return status !== NEED_MORE || text.length < sizeLimit ? status : refuse(head, HEAD_TOO_LARGE);
  }
  // Most heads end within the first window; a body behind a head is not copied for nothing.
  const window = (head.position > start ? head.position : start) + FIRST_WINDOW;
  if (window < limit) {
    const status = parseUpTo(head, receivedBytes(text, start, window), window, limits, requestMethod);
    if (status !== NEED_MORE) return status;
  }
  const status = parseUpTo(head, receivedBytes(text, start, limit), limit, limits, requestMethod);
  return status !== NEED_MORE || text.length < sizeLimit ? status : refuse(head, HEAD_TOO_LARGE);
}

function parseUpTo(
  head: ResponseHead,
  bytes: Uint8Array,
  limit: number,
  limits: HeadLimits,
  requestMethod: string,
): ParseStatus {
  if (head.stage === STAGE_STATUS_LINE) {
    const result = parseStatusLine(head, bytes, limit);
    if (result === 0) return NEED_MORE;
    if (result !== 1) return refuse(head, result);
  }
  const result = parseFieldLines(head, bytes, limit, limits.maxHeaders);
  const error = interpretFields(head, bytes);
  if (error !== null) return refuse(head, error);
  if (result === LINES_COMPLETE) return finish(head, requestMethod);
  return result === LINES_NEED_MORE ? NEED_MORE : refuse(head, result);
}

function refuse(head: ResponseHead, error: ProtocolError): ParseStatus {
  head.stage = STAGE_REFUSED;
  head.error = error;
  return REFUSED;
}

/**
 * Scans the status line (RFC 9112 4). The space behind the status code may be missing when no reason follows: many servers
 * leave it out, and nothing can be read into it. The line is scanned anew when bytes were missing.
 */
function parseStatusLine(head: ResponseHead, bytes: Uint8Array, limit: number): 0 | 1 | ProtocolError {
  const start = head.lineStart;
  let i = start;
  for (; i < start + STATUS_LENGTH; i++) {
    if (i >= limit) return 0;
    if (!fitsStatusLine(bytes[i], i - start)) return INVALID_STATUS_LINE;
  }
  if (i >= limit) return 0;
  if (bytes[i] === 32) i++;
  else if (bytes[i] !== 13) return bytes[i] === 10 ? BARE_LINE_FEED : INVALID_STATUS_LINE;
  head.reasonStart = i;
  while (i < limit && FIELD_VALUE[bytes[i]] === 1) i++;
  if (i >= limit) return 0;
  if (bytes[i] !== 13) return bytes[i] === 10 ? BARE_LINE_FEED : INVALID_STATUS_LINE;
  if (i + 1 >= limit) return 0;
  if (bytes[i + 1] !== 10) return BARE_CARRIAGE_RETURN;
  head.reasonEnd = i;
  head.minor = bytes[start + 7] === 49 ? 1 : 0;
  head.status = (bytes[start + 9] - 48) * 100 + (bytes[start + 10] - 48) * 10 + bytes[start + 11] - 48;
  head.position = i + 2;
  head.linesStart = i + 2;
  head.stage = STAGE_FIELDS;
  return 1;
}

/** Whether a byte may stand at that place of `HTTP/1.x nnn`: version 1.0 or 1.1, status 100..599. */
function fitsStatusLine(byte: number, place: number): boolean {
  if (place === 7) return byte === 48 || byte === 49;
  if (place === 9) return byte >= 49 && byte <= 53;
  if (place > 9) return byte >= 48 && byte <= 57;
  return byte === "HTTP/1.1 ".charCodeAt(place);
}

function interpretFields(head: ResponseHead, bytes: Uint8Array): ProtocolError | null {
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
  head: ResponseHead,
  bytes: Uint8Array,
  id: number,
  start: number,
  end: number,
): ProtocolError | null {
  switch (id) {
    case FieldId.contentLength:
      if (head.chunked) return LENGTH_AND_CHUNKED;
      if (head.contentLength >= 0) return REPEATED_CONTENT_LENGTH;
      head.contentLength = parseContentLength(bytes, start, end);
      return head.contentLength < 0 || hasTabAround(bytes, start, end) ? INVALID_CONTENT_LENGTH : null;
    case FieldId.transferEncoding:
      if (head.contentLength >= 0) return LENGTH_AND_CHUNKED;
      if (head.chunked) return INVALID_TRANSFER_ENCODING;
      if (head.minor === 0) return TRANSFER_ENCODING_IN_HTTP_1_0;
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
      return null;
  }
}

function finish(head: ResponseHead, requestMethod: string): ParseStatus {
  const options = head.connection;
  const { status } = head;
  // RFC 9110 8.6 and RFC 9112 6.1 forbid both fields here; a recipient that honours them waits for a body or reads the next
  // response as one. A length of 0 is what some servers send with 204 and means the same to everybody.
  const withoutContent = status < 200 || status === 204 || (requestMethod === "CONNECT" && status < 300);
  if (withoutContent && (head.chunked || head.contentLength > 0)) return refuse(head, BODY_NOT_ALLOWED);
  head.keepAlive = (options & OPTION_CLOSE) === 0 && (head.minor === 1 || (options & OPTION_KEEP_ALIVE) !== 0);
  head.nominates = (options & OPTION_OTHER) !== 0;
  head.upgrade = status === 101 && head.hasUpgrade && (options & OPTION_UPGRADE) !== 0;
  return COMPLETE;
}
