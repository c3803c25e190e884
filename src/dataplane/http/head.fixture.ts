import { COMPLETE } from "../../http1/parse-status.ts";
import { parseRequestHead } from "../../http1/parse-request-head.ts";
import { RequestHead } from "../../http1/request-head.ts";
import { parseResponseHead, ResponseHead } from "../../http1/response-head.ts";

const limits = { maxRequestLine: 8192, maxHeadSize: 65_536, maxHeaders: 100 };

/** The parsed head of a request; `lines` without line ends. */
export function requestHead(...lines: string[]): RequestHead {
  const head = new RequestHead();
  head.reset();
  if (parseRequestHead(head, `${lines.join("\r\n")}\r\n\r\n`, 0, limits) !== COMPLETE)
    throw new Error(`not a request head: ${head.error?.reason ?? "incomplete"}`);
  return head;
}

/** The parsed head of an answer; `lines` without line ends. */
export function responseHead(method: string, ...lines: string[]): ResponseHead {
  const head = new ResponseHead();
  head.reset();
  if (parseResponseHead(head, `${lines.join("\r\n")}\r\n\r\n`, 0, limits, method) !== COMPLETE)
    throw new Error(`not the head of an answer: ${head.error?.reason ?? "incomplete"}`);
  return head;
}
