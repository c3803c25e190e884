import { describe, expect, it } from "vitest";
import { FieldId, fieldTable } from "../../http1/fields.ts";
import { COMPLETE } from "../../http1/parse-status.ts";
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  ResponseHead,
  bodyKind,
  parseResponseHead,
  type BodyKind,
} from "../../http1/response-head.ts";
import { FieldList } from "../field-list.ts";
import { fieldsOf } from "./fields.fixture.ts";
import { readResponse } from "./response-fields.ts";

const limits = { maxHeadSize: 4000, maxHeaders: 40 };
const OK = ":status: 200";

function read(fields: string[], end: boolean, method = "GET") {
  const head = new ResponseHead();
  return { head, reason: readResponse(fieldsOf(...fields), end, head, method) };
}

const malformed: [what: string, fields: string[], end?: boolean, method?: string][] = [
  ["nothing", []],
  ["no status", ["server: a"]],
  ["a status behind a field", ["server: a", OK]],
  ["a status twice", [OK, OK]],
  ["a pseudo-header of requests", [OK, ":path: /"]],
  ["a pseudo-header behind a field", [OK, "server: a", ":foo: a"]],
  ["an empty status", [":status: "]],
  ["two digits", [":status: 20"]],
  ["four digits", [":status: 2000"]],
  ["a reason behind the status", [":status: 200 OK"]],
  ["letters", [":status: abc"]],
  ["a sign", [":status: +20"]],
  ["a status below 100", [":status: 099"]],
  ["a status above 599", [":status: 600"]],
  ["a fraction", [":status: 2.0"]],
  ["switching protocols", [":status: 101"], false],
  ["an interim answer at the end", [":status: 100"], true],
  ["an upper-case name", [OK, "Server: a"]],
  ["CRLF in a value", [OK, "a: b\r\nset-cookie: c"]],
  ["NUL in a value", [OK, "a: \0"]],
  ["white space around a value", [OK, "a: b "]],
  ["connection", [OK, "connection: close"]],
  ["keep-alive", [OK, "keep-alive: timeout=5"]],
  ["transfer-encoding", [OK, "transfer-encoding: chunked"], false],
  ["upgrade", [OK, "upgrade: h2c"]],
  ["proxy-connection", [OK, "proxy-connection: close"]],
  ["content-length twice", [OK, "content-length: 1", "content-length: 1"], false],
  ["a content-length that is no number", [OK, "content-length: 1,1"], false],
  ["a content-length and no body", [OK, "content-length: 1"], true],
  ["a content-length with 204", [":status: 204", "content-length: 1"], true],
  ["a content-length with 103", [":status: 103", "content-length: 1"], false],
  ["a content-length with the answer to CONNECT", [OK, "content-length: 1"], false, "CONNECT"],
];

describe("malformed answers", () => {
  it.each(malformed)("%s", (_, fields, end = true, method = "GET") => {
    expect(read(fields, end, method).reason).toMatch(/^[a-z0-9].{8,}$/);
  });

  it("a head beyond the limits", () => {
    const list = new FieldList(10, 10);
    list.add(fieldsOf(OK).fields[0]);
    expect(readResponse(list, true, new ResponseHead(), "GET")).toContain("too large");
  });
});

const bodies: [what: string, fields: string[], end: boolean, method: string, kind: BodyKind, length: number][] = [
  ["of known length", [OK, "content-length: 5"], false, "GET", BODY_LENGTH, 5],
  ["of unknown length", [OK], false, "GET", BODY_CHUNKED, -1],
  ["none, said by the end only", [OK], true, "GET", BODY_LENGTH, 0],
  ["none, said by the length, too", [OK, "content-length: 0"], true, "GET", BODY_LENGTH, 0],
  ["none for HEAD, with the length that GET would have", [OK, "content-length: 5"], true, "HEAD", BODY_NONE, 5],
  ["none for HEAD, of unknown length", [OK], true, "HEAD", BODY_NONE, -1],
  ["none with 304", [":status: 304", "content-length: 5"], true, "GET", BODY_NONE, 5],
  ["none with 204", [":status: 204"], true, "GET", BODY_NONE, -1],
  ["none with 204, length 0", [":status: 204", "content-length: 0"], true, "GET", BODY_NONE, 0],
  ["none with 103", [":status: 103", "link: </a>"], false, "GET", BODY_NONE, -1],
  ["a tunnel", [OK], false, "CONNECT", BODY_NONE, -1],
  ["a refused tunnel's", [":status: 403"], false, "CONNECT", BODY_CHUNKED, -1],
];

describe("accepted answers", () => {
  it.each(bodies)("body: %s", (_, fields, end, method, kind, length) => {
    const { head, reason } = read(fields, end, method);
    expect(reason).toBeNull();
    expect(bodyKind(head, method)).toBe(kind);
    expect(head.contentLength).toBe(length);
    expect(head).toMatchObject({ keepAlive: true, minor: 1, upgrade: false, chunked: kind === BODY_CHUNKED });
  });

  it("the text is that of HTTP/1.1 but for the blank line", () => {
    const { head } = read([":status: 404", "server: a", "set-cookie: b", "set-cookie: c"], true);
    expect(head.text).toBe(
      "HTTP/1.1 404 Not Found\r\nserver: a\r\nset-cookie: b\r\nset-cookie: c\r\ncontent-length: 0\r\n",
    );
    expect(head.statusLine).toBe("HTTP/1.1 404 Not Found\r\n");
    expect(head.reason).toBe("Not Found");
    expect(head.status).toBe(404);
    expect(head.all("set-cookie")).toEqual(["b", "c"]);
    expect(head.getById(FieldId.server)).toBe("a");
    expect(head.keptLines(fieldTable(FieldId.server))).toBe("set-cookie: b\r\nset-cookie: c\r\ncontent-length: 0\r\n");
    const parsed = new ResponseHead();
    expect(parseResponseHead(parsed, `${head.text}\r\n`, 0, limits, "GET")).toBe(COMPLETE);
    expect(parsed.offsets.slice(0, parsed.count * 4)).toEqual(head.offsets.slice(0, head.count * 4));
    expect(parsed.ids).toEqual(head.ids);
  });

  it("a status without a reason", () => {
    const { head } = read([":status: 599"], true, "HEAD");
    expect(head.statusLine).toBe("HTTP/1.1 599 \r\n");
    expect(head.reason).toBe("");
  });
});
