import type { Message, Reading } from "./messages.ts";

/**
 * Every class of disagreement with the oracles that is known, and why it is harmless. Whatever is not listed here fails
 * the test. What is never allowed: that we and an oracle both accept a message and read it differently, or that we find the end
 * of a message where the oracle does not, unless `readsWrong` says what is wrong with the oracle.
 */
export interface Oracle {
  /** Our errors for messages that the oracle accepts, with what it overlooks. */
  readonly overlooks: Readonly<Record<string, string>>;
  /** Its errors for messages that we accept. */
  readonly refuses: readonly Refusal[];
  /** Messages that the oracle reads differently although the RFC leaves no doubt. */
  readonly readsWrong: readonly Misreading[];
  /** Why the oracle may go on where we end the connection, given the last message. */
  readonly goesOn: (last: Message | undefined) => boolean;
}

interface Refusal {
  /** The oracle's error; "" when it stops without one. */
  readonly error: string;
  readonly why: string;
  /** Given the messages that we have read and the first of them that the oracle has not, and the stream. */
  readonly applies: (ours: Reading, at: number, stream: string) => boolean;
}

interface Misreading {
  readonly why: string;
  readonly applies: (message: Message) => boolean;
}

function values(message: Message | undefined, name: string): string[] {
  if (message === undefined) return [];
  return message.fields.filter((_, i, all) => i % 2 === 1 && all[i - 1].toLowerCase() === name);
}

const isChunked = (message: Message | undefined) => values(message, "transfer-encoding").length > 0;
const asksForUpgrade = (message: Message | undefined) =>
  values(message, "upgrade").length > 0 && values(message, "connection").join().toLowerCase().includes("upgrade");

/** The method is a token, but not one of the oracle's list. */
const unknownMethod = (ours: Reading, at: number) => !KNOWN_METHODS.has(ours.messages[at].start.split(" ")[0]);
const KNOWN_METHODS = new Set(
  "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI COPY LOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH UNLOCK BIND".split(
    " ",
  ),
);

/** The trailer section brings a field of framing; we drop it, llhttp applies it to the message that is already read. */
const framingInTrailers = (ours: Reading, at: number, stream: string) =>
  ours.messages.slice(0, at + 1).some(isChunked) &&
  /\r\n0+[^\r]*\r\n(.*\r\n)*?(content-length|transfer-encoding|connection|proxy-connection|upgrade):/i.test(stream);

export const LLHTTP: Oracle = {
  overlooks: {
    bare_carriage_return: "accepts a lone CR before the request line, and one before CRLF",
    bare_line_feed: "accepts LF before the request line, and after chunk sizes in some places",
    empty_lines: "accepts any number of empty lines before the request line",
    invalid_chunk_extension: "accepts a semicolon without a name behind it",
    invalid_chunk_size: "accepts more than 16 digits when the first ones are zeros, and white space behind them",
    invalid_host: "does not look into Host",
    invalid_path: "does not look into paths",
    invalid_request_line: "accepts HTTP/0.9 requests",
    invalid_status_line: "accepts control bytes in reasons, statuses of 600 and more, and HTTP/0.9, 2.0",
    invalid_target: "accepts more characters in targets",
    invalid_transfer_encoding: "accepts several codings as long as the last is chunked, and in responses any",
    invalid_content_length: "accepts tabs around the length",
    invalid_version: "accepts more than one space before the version",
    missing_host: "leaves Host to the server above it",
    repeated_host: "leaves Host to the server above it",
    transfer_encoding_in_http_1_0: "reads chunked bodies in HTTP/1.0",
    unknown_expectation: "leaves expectations to the server above it",
    unknown_transfer_coding: "accepts other codings before chunked",
    unsupported_version: "accepts HTTP/0.9 and 2.0 as versions",
    body_not_allowed: "ignores a length and a coding where no content can be",
  },
  refuses: [
    { error: "HPE_INVALID_METHOD", why: "knows a list of methods; any token is one", applies: unknownMethod },
    {
      error: "HPE_STRICT",
      why: "looks into chunk extensions, which we throw away",
      applies: (ours, at) => isChunked(ours.messages[at]),
    },
    ...[
      "HPE_CLOSED_CONNECTION",
      "HPE_INVALID_CONTENT_LENGTH",
      "HPE_INVALID_TRANSFER_ENCODING",
      "HPE_UNEXPECTED_CONTENT_LENGTH",
    ].map((error) => ({ error, why: "applies trailers as if they were headers", applies: framingInTrailers })),
    {
      error: "HPE_CLOSED_CONNECTION",
      why: "takes `Connection: close` in an interim response as the end of the connection",
      applies: (_ours, _at, stream) => /^HTTP\/1\.[01] 1/.test(stream),
    },
  ],
  readsWrong: [],
  goesOn: (last) => {
    const options = values(last, "connection").join().toLowerCase();
    return options.includes("close") && options.includes("keep-alive");
  },
};

export const HTTP_PARSER_JS: Oracle = {
  overlooks: {
    ...Object.fromEntries(
      Object.entries(LLHTTP.overlooks).map(([code]) => [
        code,
        "splits lines and fields with regular expressions, and checks little",
      ]),
    ),
    folded_header: "joins folded lines",
    invalid_chunk_end: "accepts LF for CRLF behind chunk data",
    invalid_header: "skips lines that are no fields, and allows any byte in a name",
    invalid_header_value: "allows any byte in a value",
    length_and_chunked: "prefers the coding",
    repeated_content_length: "accepts equal lengths",
    space_before_colon: "skips such a line",
    space_before_first_header: "skips such a line",
  },
  refuses: [
    { error: "HPE_INVALID_CONSTANT", why: "knows only methods of capital letters", applies: unknownMethod },
    { error: "invalid request method", why: "knows a list of methods", applies: unknownMethod },
    {
      error: "",
      why: "finds `close` within longer connection options, and does not read on after a request to upgrade",
      applies: (ours, at) =>
        ours.messages
          .slice(0, at)
          .some((message) => /close/i.test(values(message, "connection").join()) || asksForUpgrade(message)),
    },
    {
      error: "",
      why: "takes everything behind a chunked request to upgrade as the tunnel",
      applies: (ours, at) => isChunked(ours.messages[at]) && asksForUpgrade(ours.messages[at]),
    },
    ...["invalid state for EOF", "Expected empty line"].map((error) => ({
      error,
      why: "expects content in a 304",
      applies: (ours: Reading, at: number) => ours.messages[at].start === "304",
    })),
  ],
  readsWrong: [
    { why: "reads content in a 304 (RFC 9112 6.3 rule 1)", applies: (message) => message.start === "304" },
    {
      why: "does not decode a chunked request to upgrade (RFC 9110 7.8: the protocol changes behind the message)",
      applies: (message) => isChunked(message) && asksForUpgrade(message),
    },
  ],
  goesOn: (last) => /keep-alive|close/i.test(values(last, "connection").join()),
};

/** What is wrong between our reading and an oracle's; undefined when they agree or the disagreement is listed. */
export function unexplained(oracle: Oracle, ours: Reading, theirs: Reading, stream: string): string | undefined {
  const common = Math.min(ours.messages.length, theirs.messages.length);
  for (let i = 0; i < common; i++) {
    const [a, b] = [ours.messages[i], theirs.messages[i]];
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    if (oracle.readsWrong.some(({ applies }) => applies(a))) return undefined;
    return `read differently: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  }
  if (ours.messages.length > common) {
    const listed = oracle.refuses.some(({ error, applies }) => error === theirs.error && applies(ours, common, stream));
    return listed
      ? undefined
      : `accepted, but the oracle says ${theirs.error || "nothing"}: ${JSON.stringify(ours.messages[common])}`;
  }
  if (theirs.messages.length > common) {
    if (oracle.readsWrong.some(({ applies }) => applies(theirs.messages[common]))) return undefined;
    if (ours.error === "")
      return oracle.goesOn(ours.messages.at(-1)) ? undefined : "the oracle finds an end where we find none";
    if (oracle.overlooks[ours.error] === undefined) return `refused with ${ours.error}, which the oracle accepts`;
  }
  return undefined;
}
