import { describe, expect, it } from "vitest";
import { FieldId, fieldTable } from "../../http1/fields.ts";
import { RequestHead } from "../../http1/request-head.ts";
import { FieldList } from "../field-list.ts";
import { fieldOf } from "../hpack/decoded-field.ts";
import { fieldsOf } from "./fields.fixture.ts";
import { readRequest } from "./request-fields.ts";
import type { RequestProblem } from "./request-problem.ts";

const limits = { maxRequestLine: 200, maxHeadSize: 4000, maxHeaders: 40 };

const GET = [":method: GET", ":scheme: https", ":path: /", ":authority: h"];
const POST = [":method: POST", ...GET.slice(1)];
const CONNECT = [":method: CONNECT", ":authority: h:443"];
const EXTENDED = [":method: CONNECT", ":protocol: websocket", ":scheme: https", ":path: /chat?x", ":authority: h"];

function read(fields: string[], end = true): { head: RequestHead; problem: RequestProblem | null } {
  const head = new RequestHead();
  return { head, problem: readRequest(fieldsOf(...fields), end, head, limits) };
}

/** Replaces or, with "", removes the pseudo-header of that name. */
function with_(list: string[], name: string, field: string): string[] {
  return list.flatMap((each) => (each.startsWith(`${name}: `) ? (field === "" ? [] : [field]) : [each]));
}

const malformed: [rfc: string, what: string, fields: string[], end?: boolean][] = [
  ["8.1.1", "nothing at all", []],
  ["8.1.1", "no pseudo-headers", ["host: h", "accept: a"]],
  ["8.1.1", "content-length and no body", [...POST, "content-length: 5"], true],
  ["8.1.1", "content-length twice, equal", [...POST, "content-length: 5", "content-length: 5"], false],
  ["8.1.1", "content-length twice, different", [...POST, "content-length: 5", "content-length: 6"], false],
  ["8.1.1", "a list of content-lengths", [...POST, "content-length: 5, 5"], false],
  ["8.1.1", "a signed content-length", [...POST, "content-length: +5"], false],
  ["8.1.1", "a negative content-length", [...POST, "content-length: -1"], false],
  ["8.1.1", "a hexadecimal content-length", [...POST, "content-length: 0x5"], false],
  ["8.1.1", "an empty content-length", [...POST, "content-length: "], false],
  ["8.1.1", "a content-length of 2^53", [...POST, "content-length: 9007199254740992"], false],
  ["8.1.1", "a content-length of 40 digits", [...POST, `content-length: ${"9".repeat(40)}`], false],
  ["8.1.1", "a content-length with an inner space", [...POST, "content-length: 1 2"], false],
  ["8.1.1", "a content-length with a fraction", [...POST, "content-length: 1.0"], false],
  ["8.2.1", "an upper-case name", [...GET, "Accept: a"]],
  ["8.2.1", "an upper-case pseudo-header", with_(GET, ":method", ":Method: GET")],
  ["8.2.1", "a space in a name", [...GET, "a b: c"]],
  ["8.2.1", "a line feed in a name", [...GET, "a\nb: c"]],
  ["8.2.1", "a NUL in a name", [...GET, "a\0: c"]],
  ["8.2.1", "a colon behind the first character of a name", [...GET, "a\x3a: c"].slice(0, 4).concat(["::a: c"])],
  ["8.2.1", "a byte above 127 in a name", [...GET, "\xe4: c"]],
  ["8.2.1", "a name that is only a colon", [...GET, ":: c"]],
  ["8.2.1", "CRLF in a value", [...GET, "a: b\r\nhost: evil"]],
  ["8.2.1", "a line feed in a value", [...GET, "a: b\nc"]],
  ["8.2.1", "a carriage return in a value", [...GET, "a: b\rc"]],
  ["8.2.1", "NUL in a value", [...GET, "a: b\0c"]],
  ["8.2.1", "another control byte in a value", [...GET, "a: b\x01c"]],
  ["8.2.1", "DEL in a value", [...GET, "a: \x7f"]],
  ["8.2.1", "white space before a value", [...GET, "a:  b"]],
  ["8.2.1", "white space behind a value", [...GET, "a: b "]],
  ["8.2.1", "a tab before a value", [...GET, "a: \tb"]],
  ["8.2.1", "a value of white space", [...GET, "a:  "]],
  ["8.2.1", "CRLF in the path", with_(GET, ":path", ":path: / HTTP/1.1\r\nx: y")],
  ["8.2.1", "CRLF in the authority", with_(GET, ":authority", ":authority: h\r\nx: y")],
  ["8.2.1", "CRLF in the method", with_(GET, ":method", ":method: GET / HTTP/1.1\r\nx: y\r\n\r\nGET")],
  ["8.2.1", "white space around the path", with_(GET, ":path", ":path: / ")],
  ["8.2.2", "connection", [...GET, "connection: close"]],
  ["8.2.2", "connection that names nothing", [...GET, "connection: "]],
  ["8.2.2", "keep-alive", [...GET, "keep-alive: timeout=5"]],
  ["8.2.2", "proxy-connection", [...GET, "proxy-connection: keep-alive"]],
  ["8.2.2", "transfer-encoding", [...POST, "transfer-encoding: chunked"], false],
  ["8.2.2", "transfer-encoding with a length", [...POST, "content-length: 3", "transfer-encoding: chunked"], false],
  ["8.2.2", "transfer-encoding: identity", [...POST, "transfer-encoding: identity"], false],
  ["8.2.2", "upgrade", [...GET, "upgrade: websocket"]],
  ["8.2.2", "upgrade to h2c", [...GET, "upgrade: h2c", "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA"]],
  ["8.2.2", "http2-settings alone", [...GET, "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA"]],
  ["8.2.2", "te: gzip", [...GET, "te: gzip"]],
  ["8.2.2", "te: trailers and more", [...GET, "te: trailers, deflate"]],
  ["8.2.2", "an empty te", [...GET, "te: "]],
  ["8.3", "a pseudo-header behind a field", [...GET.slice(0, 3), "accept: a", GET[3]]],
  ["8.3", "all pseudo-headers behind fields", ["accept: a", ...GET]],
  ["8.3", "an unknown pseudo-header", [...GET, ":foo: bar"]],
  ["8.3", "one of answers", [...GET, ":status: 200"]],
  ["8.3", ":method twice", [...GET, ":method: GET"]],
  ["8.3", ":path twice", [...GET, ":path: /other"]],
  ["8.3", ":scheme twice", [...GET, ":scheme: http"]],
  ["8.3", ":authority twice", [...GET, ":authority: other"]],
  ["8.3.1", "no :method", with_(GET, ":method", "")],
  ["8.3.1", "no :scheme", with_(GET, ":scheme", "")],
  ["8.3.1", "no :path", with_(GET, ":path", "")],
  ["8.3.1", "an empty :method", with_(GET, ":method", ":method: ")],
  ["8.3.1", "an empty :scheme", with_(GET, ":scheme", ":scheme: ")],
  ["8.3.1", "an empty :path", with_(GET, ":path", ":path: ")],
  ["8.3.1", "an empty :authority", with_(GET, ":authority", ":authority: ")],
  ["8.3.1", "a method that is no token", with_(GET, ":method", ":method: GE T")],
  ["8.3.1", "a method with a colon", with_(GET, ":method", ":method: GET:")],
  ["8.3.1", "a whole request line as the method", with_(GET, ":method", ":method: GET /admin HTTP/1.1")],
  ["8.3.1", "another scheme", with_(GET, ":scheme", ":scheme: ftp")],
  ["8.3.1", "a scheme with more behind it", with_(GET, ":scheme", ":scheme: https://h/?")],
  ["8.3.1", "a scheme in upper case", with_(GET, ":scheme", ":scheme: HTTPS")],
  ["8.3.1", "a path without slash", with_(GET, ":path", ":path: a/b")],
  ["8.3.1", "an absolute URI as path", with_(GET, ":path", ":path: https://h/")],
  ["8.3.1", "a query as path", with_(GET, ":path", ":path: ?a")],
  ["8.3.1", "an asterisk with GET", with_(GET, ":path", ":path: *")],
  ["8.3.1", "host that is not the authority", [...GET, "host: other"]],
  ["8.3.1", "host with another port", [...GET, "host: h:443"]],
  ["8.3.1", "an empty host beside the authority", [...GET, "host: "]],
  ["8.3.1", "host twice", [...with_(GET, ":authority", ""), "host: h", "host: h"]],
  ["8.5", "CONNECT with a scheme", [...CONNECT, ":scheme: https"]],
  ["8.5", "CONNECT with a path", [...CONNECT, ":path: /"]],
  ["8.5", "CONNECT without authority", [":method: CONNECT", "host: h:443"]],
  ["8.5", "CONNECT with a length", [...CONNECT, "content-length: 5"], false],
  ["8441 4", "a protocol with GET", [...GET, ":protocol: websocket"]],
  ["8441 4", "a protocol that is no token", with_(EXTENDED, ":protocol", ":protocol: web socket"), false],
  ["8441 4", "an empty protocol", with_(EXTENDED, ":protocol", ":protocol: "), false],
  ["8441 4", "a protocol twice", [...EXTENDED, ":protocol: websocket"], false],
  ["8441 4", "extended CONNECT without path", with_(EXTENDED, ":path", ""), false],
  ["8441 4", "extended CONNECT without scheme", with_(EXTENDED, ":scheme", ""), false],
];

describe("malformed requests", () => {
  it.each(malformed)("RFC 9113 %s: %s", (_, __, fields, end = true) => {
    const { problem } = read(fields, end);
    expect(problem).toMatchObject({ malformed: true, code: "malformed_request", status: 400 });
    expect(problem!.reason).toMatch(/^[a-zA-Z].{10,}$/);
    expect(problem!.rfc).toMatch(/^RFC \d{4} \d/);
  });
});

const answered: [code: string, status: number, what: string, fields: string[]][] = [
  ["missing_host", 400, "neither authority nor host", with_(GET, ":authority", "")],
  ["invalid_host", 400, "an empty host alone", [...with_(GET, ":authority", ""), "host: "]],
  ["invalid_host", 400, "user information", with_(GET, ":authority", ":authority: user@h")],
  ["invalid_host", 400, "user information with a password", with_(GET, ":authority", ":authority: a:b@h")],
  ["invalid_host", 400, "a path in the authority", with_(GET, ":authority", ":authority: h/x")],
  ["invalid_host", 400, "a space in the authority", with_(GET, ":authority", ":authority: a b")],
  ["invalid_host", 400, "a comma in the authority", with_(GET, ":authority", ":authority: a,b")],
  ["invalid_host", 400, "a port above 65535", with_(GET, ":authority", ":authority: h:65536")],
  ["invalid_host", 400, "a broken IPv6 address", with_(GET, ":authority", ":authority: [::1")],
  ["invalid_path", 400, "a path above the root", with_(GET, ":path", ":path: /../a")],
  ["invalid_path", 400, "an escaped NUL", with_(GET, ":path", ":path: /a%00")],
  ["invalid_path", 400, "an escaped line feed", with_(GET, ":path", ":path: /a%0d%0ab")],
  ["invalid_path", 400, "a hidden dot segment", with_(GET, ":path", ":path: /a/..%2fb")],
  ["invalid_target", 400, "a space in the path", with_(GET, ":path", ":path: /a b")],
  ["invalid_target", 400, "a version behind the path", with_(GET, ":path", ":path: /a HTTP/1.1")],
  ["invalid_target", 400, "a backslash in the path", with_(GET, ":path", ":path: /a\\b")],
  ["invalid_target", 400, "a fragment", with_(GET, ":path", ":path: /a#b")],
  ["invalid_target", 400, "a fragment behind a query", with_(GET, ":path", ":path: /a?b#c")],
  ["invalid_target", 400, "a space in the query", with_(GET, ":path", ":path: /a?b c")],
  ["invalid_target", 400, "a byte above 127 in the path", with_(GET, ":path", ":path: /\xe4")],
  ["invalid_target", 400, "CONNECT without port", with_(CONNECT, ":authority", ":authority: h")],
  ["uri_too_long", 414, "a long path", with_(GET, ":path", `:path: /${"a".repeat(200)}`)],
  ["method_too_long", 501, "a long method", with_(GET, ":method", `:method: ${"A".repeat(33)}`)],
  ["unknown_expectation", 417, "another expectation", [...GET, "accept: text/html", "expect: 200-ok"]],
];

describe("requests that are answered with an error", () => {
  it.each(answered)("%s (%i): %s", (code, status, _, fields) => {
    const { problem, head } = read(fields);
    expect(problem).toMatchObject({ malformed: false, code, status });
    expect(head.method).not.toBe("");
  });

  it("431 for a head beyond the limits, with what is known of it", () => {
    const list = new FieldList(250, 100);
    for (const field of [...GET, "accept: text/html"]) {
      const colon = field.indexOf(":", 1);
      list.add(fieldOf(field.slice(0, colon), field.slice(colon + 2)));
    }
    list.add(fieldOf("x", "y".repeat(200)));
    const head = new RequestHead();
    expect(readRequest(list, true, head, limits)).toMatchObject({ malformed: false, code: "head_too_large" });
    expect(head.method).toBe("GET");
    expect(head.getById(FieldId.accept)).toBe("text/html");
  });

  it("431 for too many fields", () => {
    const list = new FieldList(100_000, 40);
    for (let i = 0; i < 50; i++) list.add(fieldOf("a", "b"));
    expect(readRequest(list, true, new RequestHead(), limits)).toMatchObject({ code: "too_many_headers", status: 431 });
  });
});

const accepted: [what: string, fields: string[], end: boolean, expected: Partial<RequestHead>][] = [
  [
    "GET",
    [...GET, "accept: */*"],
    true,
    {
      method: "GET",
      target: "/",
      path: "/",
      query: "",
      host: "h",
      authority: "h",
      minor: 1,
      contentLength: -1,
      chunked: false,
      keepAlive: true,
      expectContinue: false,
      upgrade: false,
      protocol: "",
      asterisk: false,
      targetAuthority: true,
      hasHost: true,
    },
  ],
  [
    "a path is normalised",
    with_(GET, ":path", ":path: /a/./b/../%7ec?q=../%zz"),
    true,
    { path: "/a/~c", query: "?q=../%zz" },
  ],
  [
    "the target stays as received",
    with_(GET, ":path", ":path: //a?"),
    true,
    { path: "/a", query: "?", target: "//a?" },
  ],
  ["a port and upper case", with_(GET, ":authority", ":authority: A.B:81"), true, { host: "a.b", authority: "a.b:81" }],
  ["an IPv6 address", with_(GET, ":authority", ":authority: [::1]:81"), true, { host: "[::1]", authority: "[::1]:81" }],
  ["host alone", [...with_(GET, ":authority", ""), "host: A:1"], true, { host: "a", authority: "a:1" }],
  ["host beside the authority", [...GET, "host: H"], true, { host: "h", hasHost: true }],
  [
    "OPTIONS *",
    [":method: OPTIONS", ":scheme: http", ":path: *", ":authority: h"],
    true,
    { asterisk: true, path: "*" },
  ],
  ["a body of known length", [...POST, "content-length: 5"], false, { contentLength: 5, chunked: false }],
  ["a body of unknown length", POST, false, { contentLength: -1, chunked: true }],
  ["an empty body", [...POST, "content-length: 0"], true, { contentLength: 0, chunked: false }],
  ["an empty body that is still to end", [...POST, "content-length: 0"], false, { contentLength: 0, chunked: false }],
  ["an expectation with a body", [...POST, "expect: 100-Continue"], false, { expectContinue: true }],
  ["an expectation without body", [...POST, "expect: 100-continue"], true, { expectContinue: false }],
  ["te: trailers", [...GET, "te: trailers"], true, { count: 2 }],
  ["te: Trailers", [...GET, "te: Trailers"], true, { count: 2 }],
  ["an empty value", [...GET, "x-empty: "], true, { count: 2 }],
  ["an unknown method", with_(GET, ":method", ":method: BREW"), true, { method: "BREW" }],
  [
    "CONNECT",
    CONNECT,
    false,
    { method: "CONNECT", path: "", host: "h", authority: "h:443", chunked: false, protocol: "" },
  ],
  [
    "extended CONNECT",
    EXTENDED,
    false,
    { method: "CONNECT", path: "/chat", query: "?x", protocol: "websocket", chunked: false },
  ],
];

describe("accepted requests", () => {
  it.each(accepted)("%s", (_, fields, end, expected) => {
    const { head, problem } = read(fields, end);
    expect(problem).toBeNull();
    expect(head).toMatchObject(expected);
  });

  it("the fields are found as in a head of HTTP/1.1", () => {
    const { head } = read([...GET, "x-a: 1", "accept: a", "x-a: 2", "user-agent: u"]);
    expect(head.get("x-a")).toBe("1");
    expect(head.all("x-a")).toEqual(["1", "2"]);
    expect(head.getById(FieldId.userAgent)).toBe("u");
    expect(head.get("host")).toBe("h");
    expect(head.keptLines(fieldTable(FieldId.accept, FieldId.host))).toBe("x-a: 1\r\nx-a: 2\r\nuser-agent: u\r\n");
    expect(head.keptLines(fieldTable(), new Set(["x-a"]))).toBe("accept: a\r\nuser-agent: u\r\nhost: h\r\n");
  });

  it("the pieces of Cookie are one line", () => {
    const { head } = read([...GET, "cookie: a=1", "x: y", "cookie: b=2", "cookie: ", "cookie: c=3"]);
    expect(head.getById(FieldId.cookie)).toBe("a=1; b=2; ; c=3");
    expect(head.cookie("b")).toBe("2");
    expect(head.cookie("c")).toBe("3");
    expect(head.text).toBe("x: y\r\ncookie: a=1; b=2; ; c=3\r\nhost: h\r\n");
    expect(read([...GET, "cookie: a=1"]).head.text).toBe("cookie: a=1\r\nhost: h\r\n");
  });

  it("one head serves one request after the other", () => {
    const head = new RequestHead();
    const many = Array.from({ length: 35 }, (_, i) => `x-${i}: ${i}`);
    expect(readRequest(fieldsOf(...EXTENDED, ...many), false, head, limits)).toBeNull();
    expect(head.get("x-34")).toBe("34");
    expect(readRequest(fieldsOf(...POST, "content-length: 7"), false, head, limits)).toBeNull();
    expect(head).toMatchObject({ count: 2, protocol: "", contentLength: 7, chunked: false, path: "/" });
    expect(head.text).toBe("content-length: 7\r\nhost: h\r\n");
  });
});
