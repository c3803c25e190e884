import { HTTPParser, methods } from "http-parser-js";
import type { Message, Reading } from "./messages.ts";

// Its default, "ascii", clears the top bit: bytes above 127 would turn into others, line ends among them.
HTTPParser.encoding = "latin1";

const NEGATIVE = "negative length";

/** Reads a stream with http-parser-js. `method` is that of the answered request when the stream is a response. */
export function readWithHttpParserJs(stream: string, method?: string): Reading {
  const parser = new HTTPParser(method === undefined ? "REQUEST" : "RESPONSE");
  const messages: Message[] = [];
  let start = "";
  let fields: string[] = [];
  let body = "";
  let last = false;
  parser[HTTPParser.kOnHeadersComplete] = (info) => {
    const status = info.statusCode;
    start = method === undefined ? `${methods[info.method]} ${info.url}` : String(status);
    fields = [...info.headers];
    body = "";
    last = method === undefined ? info.upgrade || !info.shouldKeepAlive : status >= 200 || status === 101;
    return method === "HEAD" ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (chunk, offset, length) => {
    // It goes back in the stream by a negative length or chunk size, and reads the same for ever.
    if (length < 0) throw new Error(NEGATIVE);
    body += chunk.toString("latin1", offset, offset + length);
  };
  let closed = false;
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (closed) return;
    if (method === undefined || last) messages.push({ start, fields, body });
    // What follows the last message of a connection is not read.
    closed = last;
  };
  let result: number | Error;
  try {
    result = parser.execute(Buffer.from(stream, "latin1"));
  } catch (error) {
    if ((error as Error).message !== NEGATIVE) throw error;
    return { messages, error: NEGATIVE };
  }
  if (closed) return { messages, error: "" };
  if (result instanceof Error) return { messages, error: errorOf(result) };
  if (method === undefined) return { messages, error: "" };
  const end = parser.finish();
  return { messages, error: end instanceof Error ? errorOf(end) : "" };
}

function errorOf(error: Error): string {
  return (error as { code?: string }).code ?? error.message;
}
