import { PATH_CLASS, PATH_DOT, PATH_PERCENT, PATH_PLAIN, PATH_SLASH, QUERY, TOKEN } from "./characters.ts";
import { methodAt } from "./method.ts";
import {
  BARE_CARRIAGE_RETURN,
  BARE_LINE_FEED,
  EMPTY_LINES,
  INVALID_METHOD,
  INVALID_REQUEST_LINE,
  INVALID_TARGET,
  INVALID_VERSION,
  METHOD_TOO_LONG,
  UNSUPPORTED_VERSION,
  URI_TOO_LONG,
  type ProtocolError,
} from "./protocol-error.ts";
import type { RequestHead } from "./request-head.ts";
import { readTarget } from "./request-target.ts";

/** Parts of the request line, in order; `head.stage` says in which one scanning stopped. */
const BEFORE_LINE = 0;
const IN_METHOD = 1;
const IN_PATH = 2;
const IN_QUERY = 3;
const IN_VERSION = 4;
/** The request line is done. */
export const STAGE_FIELDS = 5;

const MAX_METHOD_LENGTH = 32;
const SPACE = 32;
const QUESTION_MARK = 63;
/** `HTTP/1.1` and CRLF. */
const VERSION_LENGTH = 8;

/**
 * Scans the request line (RFC 9112 3) in `bytes`, which are those of `head.text`, from `head.position` up to `limit`. Returns 0 if it is not finished, 1 if it is (method, target and
 * version are set), or the error at the first byte that cannot stand where it stands.
 */
export function parseRequestLine(
  head: RequestHead,
  bytes: Uint8Array,
  limit: number,
  maxRequestLine: number,
): 0 | 1 | ProtocolError {
  if (head.stage === BEFORE_LINE) {
    const result = skipEmptyLine(head, bytes, limit);
    if (result !== 1) return result;
  }
  const lineLimit = head.lineStart + maxRequestLine;
  const scanLimit = lineLimit < limit ? lineLimit : limit;
  let i = head.position;

  if (head.stage === IN_METHOD) {
    while (i < scanLimit && TOKEN[bytes[i]] === 1) i++;
    if (i - head.lineStart > MAX_METHOD_LENGTH) return METHOD_TOO_LONG;
    if (i >= scanLimit) return stop(head, i, lineLimit);
    const byte = bytes[i];
    if (byte !== SPACE) return byte === 10 ? BARE_LINE_FEED : byte === 13 ? INVALID_REQUEST_LINE : INVALID_METHOD;
    if (i === head.lineStart) return INVALID_REQUEST_LINE;
    head.method = methodAt(head.text, bytes, head.lineStart, i);
    head.targetStart = ++i;
    head.normalTarget = true;
    head.stage = IN_PATH;
  }
  if (head.stage === IN_PATH) {
    const start = head.targetStart;
    let normal = head.normalTarget;
    for (; i < scanLimit; i++) {
      const kind = PATH_CLASS[bytes[i]];
      if (kind === PATH_PLAIN) continue;
      if (kind === PATH_SLASH || kind === PATH_DOT) {
        if (i > start && bytes[i - 1] === 47) normal = false;
      } else if (kind === PATH_PERCENT) normal = false;
      else break;
    }
    head.normalTarget = normal;
    if (i >= scanLimit) return stop(head, i, lineLimit);
    head.pathEnd = i;
    head.stage = IN_QUERY;
    if (bytes[i] === QUESTION_MARK) i++;
    else if (bytes[i] !== SPACE) return targetByteError(bytes[i]);
  }
  if (head.stage === IN_QUERY) {
    while (i < scanLimit && QUERY[bytes[i]] === 1) i++;
    if (i >= scanLimit) return stop(head, i, lineLimit);
    if (bytes[i] !== SPACE) return targetByteError(bytes[i]);
    if (i === head.targetStart) return INVALID_REQUEST_LINE;
    head.targetEnd = i++;
    head.position = i;
    head.stage = IN_VERSION;
  }
  const result = parseVersion(head, bytes, limit, lineLimit);
  return result === 1 ? finishLine(head, bytes) : result;
}

/** One empty line before the request is ignored, because some clients end a body with one too many (RFC 9112 2.2). */
function skipEmptyLine(head: RequestHead, bytes: Uint8Array, limit: number): 0 | 1 | ProtocolError {
  let i = head.position;
  if (i >= limit) return 0;
  if (bytes[i] === 13) {
    if (i + 1 >= limit) return 0;
    if (bytes[i + 1] !== 10) return BARE_CARRIAGE_RETURN;
    i += 2;
    if (i >= limit) return 0;
    if (bytes[i] === 13) return EMPTY_LINES;
  }
  head.position = i;
  head.lineStart = i;
  head.stage = IN_METHOD;
  return 1;
}

/** Scanning ran out of bytes, or into the limit of the line. */
function stop(head: RequestHead, position: number, lineLimit: number): 0 | ProtocolError {
  head.position = position;
  return position >= lineLimit ? URI_TOO_LONG : 0;
}

function targetByteError(byte: number): ProtocolError {
  if (byte === 10) return BARE_LINE_FEED;
  return byte === 13 ? INVALID_REQUEST_LINE : INVALID_TARGET;
}

/** Scans `HTTP/1.1` and the CRLF behind it. Short enough to be scanned anew when bytes are missing. */
function parseVersion(head: RequestHead, bytes: Uint8Array, limit: number, lineLimit: number): 0 | 1 | ProtocolError {
  const start = head.position;
  const available = limit - start;
  for (let i = 0; i < available; i++) {
    const byte = bytes[start + i];
    if (i < VERSION_LENGTH) {
      if (start + i >= lineLimit) return URI_TOO_LONG;
      const digit = i === 5 || i === 7;
      if (digit ? byte < 48 || byte > 57 : byte !== "HTTP/1.1".charCodeAt(i)) {
        return byte === 10 ? BARE_LINE_FEED : INVALID_VERSION;
      }
    } else if (i === VERSION_LENGTH) {
      if (byte !== 13) return byte === 10 ? BARE_LINE_FEED : INVALID_VERSION;
    } else return byte === 10 ? 1 : BARE_CARRIAGE_RETURN;
  }
  return 0;
}

function finishLine(head: RequestHead, bytes: Uint8Array): 1 | ProtocolError {
  const major = bytes[head.position + 5] - 48;
  const minor = bytes[head.position + 7] - 48;
  if (major !== 1 || minor > 1) return UNSUPPORTED_VERSION;
  head.minor = minor === 1 ? 1 : 0;
  const error = readTarget(head, head.text, head.targetStart, head.pathEnd, head.targetEnd, head.normalTarget);
  if (error !== null) return error;
  head.position += VERSION_LENGTH + 2;
  head.linesStart = head.position;
  head.stage = STAGE_FIELDS;
  return 1;
}
