import { OPTION_UPGRADE } from "../../../src/http1/connection-options.ts";
import { CHUNK_DATA, CHUNK_END, CHUNK_ERROR, ChunkedDecoder } from "../../../src/http1/chunked.ts";
import type { HeaderBlock } from "../../../src/http1/header-block.ts";
import { COMPLETE, NEED_MORE } from "../../../src/http1/parse-status.ts";
import { parseRequestHead } from "../../../src/http1/parse-request-head.ts";
import { RequestHead } from "../../../src/http1/request-head.ts";
import { ResponseHead, bodyKind, parseResponseHead } from "../../../src/http1/response-head.ts";
import type { Message, Reading } from "./messages.ts";

const limits = { maxRequestLine: 8192, maxHeadSize: 16_384, maxHeaders: 100 };

function fieldsOf(block: HeaderBlock): string[] {
  return Array.from({ length: block.count }, (_, i) => [block.nameAt(i), block.valueAt(i)]).flat();
}

/** The content of a chunked body that begins at `start`; `end` is -1 without its end. */
function readChunked(stream: string, start: number): { body: string; end: number; error: string } {
  const bytes = Buffer.from(stream, "latin1");
  const decoder = new ChunkedDecoder();
  let body = "";
  let at = start;
  for (;;) {
    const event = decoder.next(bytes, at, bytes.length);
    at = decoder.position;
    if (event === CHUNK_DATA) body += bytes.toString("latin1", decoder.dataStart, decoder.dataEnd);
    else return { body, end: event === CHUNK_END ? at : -1, error: event === CHUNK_ERROR ? decoder.error!.code : "" };
  }
}

/** Reads requests until one is refused, incomplete, or the last of its connection. */
export function readRequests(stream: string): Reading {
  const messages: Message[] = [];
  const head = new RequestHead();
  let at = 0;
  for (;;) {
    head.reset();
    const status = parseRequestHead(head, stream, at, limits);
    if (status !== COMPLETE) return { messages, error: status === NEED_MORE ? "" : head.error!.code };
    const start = `${head.method} ${head.target}`;
    const fields = fieldsOf(head);
    let body = "";
    at = head.end;
    if (head.chunked) {
      const chunked = readChunked(stream, at);
      if (chunked.end < 0) return { messages, error: chunked.error };
      body = chunked.body;
      at = chunked.end;
    } else if (head.contentLength > 0) {
      if (stream.length - at < head.contentLength) return { messages, error: "" };
      body = stream.slice(at, at + head.contentLength);
      at += head.contentLength;
    }
    messages.push({ start, fields, body });
    // Parsers stop at a request to upgrade, of whatever version.
    const upgrade = head.hasUpgrade && (head.connection & OPTION_UPGRADE) !== 0;
    if (!head.keepAlive || upgrade || head.method === "CONNECT") return { messages, error: "" };
  }
}

/** Reads the final response to a request with that method, from a stream that ends with its connection. */
export function readResponse(stream: string, method: string): Reading {
  const head = new ResponseHead();
  let at = 0;
  do {
    head.reset();
    const status = parseResponseHead(head, stream, at, limits, method);
    if (status !== COMPLETE) return { messages: [], error: status === NEED_MORE ? "" : head.error!.code };
    at = head.end;
  } while (head.status < 200 && head.status !== 101);
  const start = String(head.status);
  const fields = fieldsOf(head);
  const one = (body: string): Reading => ({ messages: [{ start, fields, body }], error: "" });
  switch (bodyKind(head, method)) {
    case 0:
      return one("");
    case 1:
      if (stream.length - at < head.contentLength) return { messages: [], error: "" };
      return one(stream.slice(at, at + head.contentLength));
    case 2: {
      const chunked = readChunked(stream, at);
      return chunked.end < 0 ? { messages: [], error: chunked.error } : one(chunked.body);
    }
    default:
      return one(stream.slice(at));
  }
}
