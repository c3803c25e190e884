import { TOKEN, consistsOf } from "../../http1/characters.ts";
import { FieldId } from "../../http1/fields.ts";
import { parseAuthority } from "../../http1/host.ts";
import type { RequestLimits } from "../../http1/parse-status.ts";
import {
  HEAD_TOO_LARGE,
  INVALID_HOST,
  INVALID_PATH,
  INVALID_TARGET,
  METHOD_TOO_LONG,
  MISSING_HOST,
  TOO_MANY_HEADERS,
  UNKNOWN_EXPECTATION,
  URI_TOO_LONG,
} from "../../http1/protocol-error.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import type { Field, FieldList } from "../field-list.ts";
import { appendLine } from "./append-line.ts";
import { isConnectionSpecific } from "./connection-specific.ts";
import { contentLengthOf } from "./content-length.ts";
import { answerable, malformed, type RequestProblem } from "./request-problem.ts";
import { readPath } from "./request-target.ts";

const MAX_METHOD_LENGTH = 32;
/** What the request line has besides method and target: two spaces and the version. */
const REQUEST_LINE_REST = 10;

const LATE_PSEUDO_HEADER = malformed("a pseudo-header stands behind a field", "RFC 9113 8.3");
const REPEATED_PSEUDO_HEADER = malformed("a pseudo-header stands twice", "RFC 9113 8.3");
const UNKNOWN_PSEUDO_HEADER = malformed("an unknown pseudo-header", "RFC 9113 8.3");
const EMPTY_PSEUDO_HEADER = malformed("a pseudo-header is empty", "RFC 9113 8.3.1");
const MISSING_PSEUDO_HEADER = malformed("a mandatory pseudo-header is missing", "RFC 9113 8.3.1");
const INVALID_METHOD = malformed("the method is not a token", "RFC 9113 8.3.1");
const INVALID_SCHEME = malformed("the scheme is neither http nor https", "RFC 9113 8.3.1");
const INVALID_PATH_START = malformed("the path does not begin with a slash", "RFC 9113 8.3.1");
const CONNECT_WITH_PATH = malformed("a CONNECT has a scheme or a path", "RFC 9113 8.5");
const CONNECT_WITH_LENGTH = malformed("a CONNECT has a content-length", "RFC 9113 8.5");
const INVALID_PROTOCOL = malformed("the protocol is not a token", "RFC 8441 4");
const PROTOCOL_WITHOUT_CONNECT = malformed("a protocol with another method than CONNECT", "RFC 8441 4");
const CONNECTION_SPECIFIC = malformed("a field that belongs to a connection of HTTP/1.1", "RFC 9113 8.2.2");
const REPEATED_HOST = malformed("more than one Host field", "RFC 9112 3.2");
const DIFFERENT_HOST = malformed("Host differs from the authority", "RFC 9113 8.3.1");
const INVALID_LENGTH = malformed("content-length is not one decimal number below 2^53", "RFC 9113 8.1.1");
const LENGTH_WITHOUT_BODY = malformed("content-length announces a body that does not come", "RFC 9113 8.1.1");

const ANSWERED_HEAD_TOO_LARGE = answerable(HEAD_TOO_LARGE);
const ANSWERED_TOO_MANY_HEADERS = answerable(TOO_MANY_HEADERS);
const ANSWERED_METHOD_TOO_LONG = answerable(METHOD_TOO_LONG);
const ANSWERED_URI_TOO_LONG = answerable(URI_TOO_LONG);
const ANSWERED_INVALID_TARGET = answerable(INVALID_TARGET);
const ANSWERED_INVALID_PATH = answerable(INVALID_PATH);
const ANSWERED_INVALID_HOST = answerable(INVALID_HOST);
const ANSWERED_MISSING_HOST = answerable(MISSING_HOST);
const ANSWERED_UNKNOWN_EXPECTATION = answerable(UNKNOWN_EXPECTATION);

/** The line of the Host that was made last: most requests have the same. */
let lastHost = "";
let lastHostLine = "";

/**
 * Fills `head` from a request's header block so that it reads as if the request had come by HTTP/1.1 (RFC 9113 8.3.1, 8.5;
 * RFC 8441), or says why the request is refused. The text has the field lines only: no request line, no blank line; Host, made
 * from `:authority`, and Cookie, its pieces joined (8.2.3), stand last. A body of unknown length makes it `chunked` although
 * there is no such line. When it is refused, `head` has what was read before, the method at least if that is known.
 *
 * @param end nothing follows the block
 */
export function readRequest(
  fields: FieldList,
  end: boolean,
  head: RequestHead,
  limits: RequestLimits,
): RequestProblem | null {
  head.reset();
  const list = fields.fields;
  const { count } = fields;
  let method = "";
  let scheme = "";
  let path = "";
  let authority = "";
  let protocol = "";
  let host: Field | null = null;
  let cookie: Field | null = null;
  let crumbs = "";
  let regular = false;
  let text = "";
  let at = 0;
  for (let i = 0; i < count; i++) {
    const field = list[i];
    const { name, value, id } = field;
    if (field.problem !== "") return malformed(field.problem, "RFC 9113 8.2.1");
    if (name.charCodeAt(0) === 58) {
      if (regular) return LATE_PSEUDO_HEADER;
      if (value === "") return EMPTY_PSEUDO_HEADER;
      let before = "";
      if (name === ":method") {
        before = method;
        method = value;
        // For the answer to a request that is refused.
        head.method = value;
      } else if (name === ":path") {
        before = path;
        path = value;
      } else if (name === ":scheme") {
        before = scheme;
        scheme = value;
      } else if (name === ":authority") {
        before = authority;
        authority = value;
      } else if (name === ":protocol") {
        before = protocol;
        protocol = value;
      } else return UNKNOWN_PSEUDO_HEADER;
      if (before !== "") return REPEATED_PSEUDO_HEADER;
      continue;
    }
    regular = true;
    if (id <= FieldId.te) {
      if (isConnectionSpecific(field)) return CONNECTION_SPECIFIC;
      if (id === FieldId.host) {
        if (host !== null) return REPEATED_HOST;
        host = field;
        continue;
      }
      if (id === FieldId.contentLength) {
        if (head.contentLength >= 0) return INVALID_LENGTH;
        head.contentLength = contentLengthOf(value);
        if (head.contentLength < 0) return INVALID_LENGTH;
      } else if (id === FieldId.expect) {
        if (value.toLowerCase() !== "100-continue") {
          head.text = text;
          return ANSWERED_UNKNOWN_EXPECTATION;
        }
        head.expectContinue = true;
      }
    } else if (id === FieldId.cookie) {
      crumbs = cookie === null ? value : `${crumbs}; ${value}`;
      cookie = field;
      continue;
    }
    text += field.line;
    at = appendLine(head, id, at, name.length, value.length);
  }
  // An answer to a request that is refused looks at fields, too.
  head.text = text;
  // What is beyond the limits may be the pseudo-headers, too: nothing else can be said of such a head.
  if (fields.overflow) return count >= limits.maxHeaders ? ANSWERED_TOO_MANY_HEADERS : ANSWERED_HEAD_TOO_LARGE;

  if (cookie !== null) {
    text += crumbs === cookie.value ? cookie.line : `cookie: ${crumbs}\r\n`;
    at = appendLine(head, FieldId.cookie, at, 6, crumbs.length);
  }
  const problem =
    requestProblem(head, method, scheme, path, authority, protocol, host, limits) ?? bodyProblem(head, end);
  if (problem !== null) return problem;
  const hostValue = host === null ? authority : host.value;
  if (host !== null) text += host.line;
  else {
    if (hostValue !== lastHost) {
      lastHostLine = `host: ${hostValue}\r\n`;
      lastHost = hostValue;
    }
    text += lastHostLine;
  }
  at = appendLine(head, FieldId.host, at, 4, hostValue.length);
  head.hasHost = true;
  head.text = text;
  head.linesEnd = at;
  head.end = at;
  head.position = at;
  head.interpreted = head.count;
  return null;
}

/** Checks what stands for the request line and Host, and takes it over. */
function requestProblem(
  head: RequestHead,
  method: string,
  scheme: string,
  path: string,
  authority: string,
  protocol: string,
  host: Field | null,
  limits: RequestLimits,
): RequestProblem | null {
  if (method === "") return MISSING_PSEUDO_HEADER;
  if (method.length > MAX_METHOD_LENGTH) return ANSWERED_METHOD_TOO_LONG;
  if (method !== "GET" && !consistsOf(TOKEN, method)) return INVALID_METHOD;
  if (protocol !== "") {
    if (method !== "CONNECT") return PROTOCOL_WITHOUT_CONNECT;
    if (!consistsOf(TOKEN, protocol)) return INVALID_PROTOCOL;
    head.protocol = protocol;
  }
  const tunnel = method === "CONNECT" && protocol === "";
  if (tunnel) {
    if (scheme !== "" || path !== "") return CONNECT_WITH_PATH;
    if (authority === "") return MISSING_PSEUDO_HEADER;
  } else {
    if (scheme === "" || path === "") return MISSING_PSEUDO_HEADER;
    if (scheme !== "https" && scheme !== "http") return INVALID_SCHEME;
    if (path.charCodeAt(0) !== 47 && !(path === "*" && method === "OPTIONS")) return INVALID_PATH_START;
  }
  if (method.length + (tunnel ? authority : path).length + REQUEST_LINE_REST > limits.maxRequestLine)
    return ANSWERED_URI_TOO_LONG;

  if (authority === "") {
    if (host === null) return ANSWERED_MISSING_HOST;
    authority = host.value;
  } else if (host !== null && host.value !== authority && host.value.toLowerCase() !== authority.toLowerCase())
    return DIFFERENT_HOST;
  if (!head.readHostText(authority)) return ANSWERED_INVALID_HOST;
  head.targetAuthority = true;
  if (tunnel) {
    head.target = authority;
    return parseAuthority(authority)!.port < 0 ? ANSWERED_INVALID_TARGET : null;
  }
  const error = readPath(head, path);
  if (error === null) return null;
  return error === INVALID_PATH ? ANSWERED_INVALID_PATH : ANSWERED_INVALID_TARGET;
}

/** Whether there is a body, and whether what the head says of it can be. */
function bodyProblem(head: RequestHead, end: boolean): RequestProblem | null {
  if (head.method === "CONNECT") {
    // What follows is the tunnel's.
    if (head.contentLength >= 0) return CONNECT_WITH_LENGTH;
  } else if (end) {
    if (head.contentLength > 0) return LENGTH_WITHOUT_BODY;
  } else if (head.contentLength < 0) head.chunked = true;
  head.expectContinue = head.expectContinue && (head.chunked || head.contentLength > 0);
  return null;
}
