import { type BadRequest, get, head } from "./bad-request.ts";

const RFC = "RFC 9112 2.2";

export const lineEnds: readonly BadRequest[] = [
  { name: "bare LF throughout", rfc: RFC, bytes: "GET / HTTP/1.1\nHost: a\n\n", status: 400 },
  { name: "bare LF behind the request line", rfc: RFC, bytes: "GET / HTTP/1.1\nHost: a\r\n\r\n", status: 400 },
  { name: "bare LF behind a field", rfc: RFC, bytes: "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", status: 400 },
  { name: "bare LF as the empty line", rfc: RFC, bytes: "GET / HTTP/1.1\r\nHost: a\r\n\n", status: 400 },
  { name: "bare LF before the request", rfc: RFC, bytes: "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "bare CR before the request", rfc: RFC, bytes: "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", status: 400 },
  { name: "CR CR LF behind the request line", rfc: RFC, bytes: "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", status: 400 },
  { name: "CR CR LF behind a field", rfc: RFC, bytes: "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", status: 400 },
  { name: "bare CR behind the request line", rfc: RFC, bytes: "GET / HTTP/1.1\rHost: a\r\n\r\n", status: 400 },
  { name: "bare CR in the method", rfc: RFC, bytes: head("GE\rT / HTTP/1.1", "Host: a"), status: 400 },
  { name: "bare CR in the target", rfc: RFC, bytes: head("GET /a\rb HTTP/1.1", "Host: a"), status: 400 },
  { name: "bare LF in the target", rfc: RFC, bytes: head("GET /a\nb HTTP/1.1", "Host: a"), status: 400 },
  { name: "bare CR in a field name", rfc: RFC, bytes: get("X\rY: z"), status: 400 },
  { name: "bare CR in a field value", rfc: RFC, bytes: get("X: y\rz"), status: 400 },
  { name: "bare CR at the end of a value", rfc: RFC, bytes: get("X: y\r"), status: 400 },
  { name: "bare CR as the whole value", rfc: RFC, bytes: get("X:\r"), status: 400 },
  { name: "LF CR in place of CR LF", rfc: RFC, bytes: "GET / HTTP/1.1\n\rHost: a\n\r\n\r", status: 400 },
  { name: "two empty lines before the request", rfc: RFC, bytes: `\r\n\r\n${get()}`, status: 400 },
  { name: "many empty lines before the request", rfc: RFC, bytes: `${"\r\n".repeat(50)}${get()}`, status: 400 },
  { name: "an empty line with a space before the request", rfc: RFC, bytes: ` \r\n${get()}`, status: 400 },
];
