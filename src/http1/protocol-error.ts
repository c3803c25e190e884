/**
 * Why a message was refused. Every value is a frozen constant of this module: refusing a message allocates nothing, and
 * two refusals for the same reason are the same object.
 */
export interface ProtocolError {
  /** Stable name, snake case, as answers, logs and metrics show it. */
  readonly code: string;
  /**
   * Status that a refused request is answered with. For a refused response it says nothing: the client gets a 502
   * whatever the reason was.
   */
  readonly status: 400 | 413 | 414 | 417 | 431 | 501 | 505;
  /** What is wrong, in words for the client and the log. */
  readonly reason: string;
  /** The section that the message breaks, or that lets us refuse it. */
  readonly rfc: string;
}

function define(code: string, status: ProtocolError["status"], reason: string, rfc: string): ProtocolError {
  return Object.freeze({ code, status, reason, rfc });
}

// Lines and bytes.
export const BARE_CARRIAGE_RETURN = define(
  "bare_carriage_return",
  400,
  "a carriage return that no line feed follows",
  "RFC 9112 2.2",
);
export const BARE_LINE_FEED = define("bare_line_feed", 400, "a line feed without a carriage return", "RFC 9112 2.2");
export const EMPTY_LINES = define("empty_lines", 400, "more than one empty line before the request", "RFC 9112 2.2");

// Request line.
export const INVALID_METHOD = define("invalid_method", 400, "the method is not a token", "RFC 9110 9.1");
export const METHOD_TOO_LONG = define("method_too_long", 501, "the method is too long", "RFC 9112 3");
export const INVALID_REQUEST_LINE = define(
  "invalid_request_line",
  400,
  "the request line is not method, target and version with one space between them",
  "RFC 9112 3",
);
export const INVALID_TARGET = define("invalid_target", 400, "the request target is not valid", "RFC 9112 3.2");
export const INVALID_PATH = define(
  "invalid_path",
  400,
  "the path cannot be brought into one unambiguous form",
  "RFC 3986 6.2.2",
);
export const URI_TOO_LONG = define("uri_too_long", 414, "the request line is too long", "RFC 9112 3");
export const INVALID_VERSION = define("invalid_version", 400, "the protocol version is malformed", "RFC 9112 2.3");
export const UNSUPPORTED_VERSION = define(
  "unsupported_version",
  505,
  "only HTTP/1.0 and HTTP/1.1 are spoken here",
  "RFC 9110 15.6.6",
);

// Field lines.
export const INVALID_HEADER = define("invalid_header", 400, "a field line without a valid name", "RFC 9112 5");
export const SPACE_BEFORE_COLON = define(
  "space_before_colon",
  400,
  "white space between a field name and its colon",
  "RFC 9112 5.1",
);
export const SPACE_BEFORE_FIRST_HEADER = define(
  "space_before_first_header",
  400,
  "white space between the start line and the first field",
  "RFC 9112 2.2",
);
export const FOLDED_HEADER = define("folded_header", 400, "a field value folded over lines", "RFC 9112 5.2");
export const INVALID_HEADER_VALUE = define(
  "invalid_header_value",
  400,
  "a control byte in a field value",
  "RFC 9110 5.5",
);
export const HEAD_TOO_LARGE = define("head_too_large", 431, "the head is too large", "RFC 6585 5");
export const TOO_MANY_HEADERS = define("too_many_headers", 431, "too many field lines", "RFC 6585 5");

// Host.
export const MISSING_HOST = define("missing_host", 400, "an HTTP/1.1 request without Host", "RFC 9112 3.2");
export const REPEATED_HOST = define("repeated_host", 400, "more than one Host field", "RFC 9112 3.2");
export const INVALID_HOST = define("invalid_host", 400, "the host is not a valid authority", "RFC 9110 7.2");

// Framing.
export const INVALID_CONTENT_LENGTH = define(
  "invalid_content_length",
  400,
  "Content-Length is not one decimal number below 2^53",
  "RFC 9110 8.6",
);
export const REPEATED_CONTENT_LENGTH = define(
  "repeated_content_length",
  400,
  "more than one Content-Length field",
  "RFC 9112 6.3",
);
export const LENGTH_AND_CHUNKED = define(
  "length_and_chunked",
  400,
  "Content-Length together with Transfer-Encoding",
  "RFC 9112 6.3",
);
export const INVALID_TRANSFER_ENCODING = define(
  "invalid_transfer_encoding",
  400,
  "Transfer-Encoding is not exactly chunked",
  "RFC 9112 6.3",
);
export const UNKNOWN_TRANSFER_CODING = define(
  "unknown_transfer_coding",
  501,
  "a transfer coding other than chunked",
  "RFC 9112 6.1",
);
export const TRANSFER_ENCODING_IN_HTTP_1_0 = define(
  "transfer_encoding_in_http_1_0",
  400,
  "Transfer-Encoding in an HTTP/1.0 message",
  "RFC 9112 6.1",
);
export const UNKNOWN_EXPECTATION = define(
  "unknown_expectation",
  417,
  "an expectation other than 100-continue",
  "RFC 9110 10.1.1",
);
/** For the caller, which knows how large a body may be. */
export const BODY_TOO_LARGE = define("body_too_large", 413, "the body is too large", "RFC 9110 15.5.14");

// Status line.
export const INVALID_STATUS_LINE = define(
  "invalid_status_line",
  400,
  "the status line is not version, three digits and a reason",
  "RFC 9112 4",
);
export const BODY_NOT_ALLOWED = define(
  "body_not_allowed",
  400,
  "a response without content announces a length or a transfer coding",
  "RFC 9112 6.3",
);

// Chunked bodies.
export const INVALID_CHUNK_SIZE = define(
  "invalid_chunk_size",
  400,
  "a chunk size that is not 1 to 16 hexadecimal digits or is 2^53 or more",
  "RFC 9112 7.1",
);
export const INVALID_CHUNK_EXTENSION = define(
  "invalid_chunk_extension",
  400,
  "a malformed chunk extension",
  "RFC 9112 7.1.1",
);
export const CHUNK_EXTENSION_TOO_LONG = define(
  "chunk_extension_too_long",
  400,
  "chunk extensions are too long",
  "RFC 9112 7.1.1",
);
export const INVALID_CHUNK_END = define(
  "invalid_chunk_end",
  400,
  "chunk data does not end with CRLF where its size says",
  "RFC 9112 7.1",
);
export const TRAILERS_TOO_LARGE = define("trailers_too_large", 431, "the trailer section is too large", "RFC 6585 5");
