import { FieldId } from "../../http1/fields.ts";
import type { ResponseHead } from "../../http1/response-head.ts";
import { reasonPhrase } from "../../http1/status.ts";
import type { FieldList } from "../field-list.ts";
import { appendLine } from "./append-line.ts";
import { isConnectionSpecific } from "./connection-specific.ts";
import { contentLengthOf } from "./content-length.ts";

const EMPTY_BODY = "content-length: 0\r\n";
/** Where the reason stands in `HTTP/1.1 200 OK`. */
const REASON_START = 13;

/** Status lines that were made; there are at most 500. */
const statusLines: string[] = Array.from({ length: 600 }, () => "");

/**
 * Fills `head` from the header block of an answer, or of an interim one, so that it reads as if it had come by HTTP/1.1 (RFC
 * 9113 8.3.2); a sentence says why it is malformed. A body of unknown length makes it `chunked` although there is no such line; an
 * answer that ends with its head, and could have had a body, gets `content-length: 0`.
 *
 * @param end nothing follows the block
 * @param requestMethod that of the request that it answers
 */
export function readResponse(
  fields: FieldList,
  end: boolean,
  head: ResponseHead,
  requestMethod: string,
): string | null {
  head.reset();
  if (fields.overflow) return "the head is too large";
  const { count } = fields;
  const list = fields.fields;
  if (count === 0 || list[0].name !== ":status") return "the head does not begin with a status";
  const status = statusOf(list[0].value);
  if (status < 0) return "the status is not three digits from 100 to 599";
  if (status === 101) return "101 does not exist in HTTP/2";
  if (status < 200 && end) return "an interim answer ends the stream";
  let text = statusLine(status);
  let at = text.length;
  head.status = status;
  head.reasonStart = REASON_START;
  head.reasonEnd = at - 2;
  head.lineStart = 0;
  head.linesStart = at;
  for (let i = 1; i < count; i++) {
    const field = list[i];
    const { id } = field;
    if (field.problem !== "") return field.problem;
    if (field.name.charCodeAt(0) === 58) return "a pseudo-header other than one status";
    if (id <= FieldId.te) {
      if (isConnectionSpecific(field)) return "a field that belongs to a connection of HTTP/1.1";
      if (id === FieldId.contentLength) {
        if (head.contentLength >= 0) return "more than one content-length";
        head.contentLength = contentLengthOf(field.value);
        if (head.contentLength < 0) return "content-length is not one decimal number below 2^53";
      }
    }
    text += field.line;
    at = appendLine(head, id, at, field.name.length, field.value.length);
  }
  const withoutContent = status < 200 || status === 204 || (requestMethod === "CONNECT" && status < 300);
  if (withoutContent) {
    if (head.contentLength > 0) return "an answer without content announces a length";
  } else if (requestMethod !== "HEAD" && status !== 304) {
    if (!end) head.chunked = head.contentLength < 0;
    else if (head.contentLength > 0) return "content-length announces a body that does not come";
    else if (head.contentLength < 0) {
      head.contentLength = 0;
      text += EMPTY_BODY;
      at = appendLine(head, FieldId.contentLength, at, 14, 1);
    }
  }
  head.text = text;
  head.linesEnd = at;
  head.end = at;
  head.position = at;
  head.interpreted = head.count;
  return null;
}

function statusOf(value: string): number {
  if (value.length !== 3) return -1;
  const hundreds = value.charCodeAt(0) - 48;
  const tens = value.charCodeAt(1) - 48;
  const ones = value.charCodeAt(2) - 48;
  if (!(hundreds >= 1 && hundreds <= 5 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9)) return -1;
  return hundreds * 100 + tens * 10 + ones;
}

function statusLine(status: number): string {
  return (statusLines[status] ||= `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`);
}
