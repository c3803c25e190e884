import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPLETE, NEED_MORE, REFUSED, type RequestLimits } from "./parse-status.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import { RequestHead } from "./request-head.ts";

const limits: RequestLimits = { maxRequestLine: 200, maxHeadSize: 1000, maxHeaders: 10 };

/** Outcome when the bytes come one by one, and how many it took. */
function byteByByte(text: string): { outcome: string; taken: number; head: RequestHead } {
  const head = new RequestHead();
  for (let taken = 1; taken <= text.length; taken++) {
    const status = parseRequestHead(head, text.slice(0, taken), 0, limits);
    if (status === COMPLETE) return { outcome: "ok", taken, head };
    if (status === REFUSED) return { outcome: head.error!.code, taken, head };
  }
  return { outcome: "more", taken: text.length, head };
}

function parse(text: string): RequestHead {
  const head = new RequestHead();
  expect(parseRequestHead(head, text, 0, limits), head.error?.code).toBe(COMPLETE);
  return head;
}

const H = "Host: h\r\n";
const get = (lines: string) => `GET / HTTP/1.1\r\n${H}${lines}\r\n`;

const accepted: [rfc: string, name: string, text: string, expected: Partial<RequestHead>][] = [
  [
    "9112 2.2",
    "one empty line first",
    `\r\n${get("")}`,
    { method: "GET", path: "/", keepAlive: true, contentLength: -1 },
  ],
  ["9110 9.1", "unknown method", `BREW /pot HTTP/1.1\r\n${H}\r\n`, { method: "BREW", path: "/pot" }],
  ["9110 9.1", "methods are case-sensitive", `get / HTTP/1.1\r\n${H}\r\n`, { method: "get" }],
  ["9110 9.1", "token characters", `!#$%&'*+-.^_\`|~0aZ / HTTP/1.1\r\n${H}\r\n`, { method: "!#$%&'*+-.^_`|~0aZ" }],
  [
    "9112 3.2.1",
    "origin-form",
    `GET /a/%7Eb?x=%zz{"} HTTP/1.1\r\n${H}\r\n`,
    { path: "/a/~b", query: '?x=%zz{"}', target: '/a/%7Eb?x=%zz{"}' },
  ],
  [
    "9112 3.2.1",
    "two slashes first are no authority",
    `GET //evil/a HTTP/1.1\r\n${H}\r\n`,
    { path: "/evil/a", host: "h" },
  ],
  [
    "9112 3.2.2",
    "absolute-form overrides Host",
    `GET HTTP://A.example:81/b/../c?d HTTP/1.1\r\n${H}\r\n`,
    { host: "a.example", authority: "a.example:81", path: "/c", query: "?d", targetAuthority: true },
  ],
  [
    "9112 3.2.2",
    "absolute-form without path",
    `GET https://a?b/c HTTP/1.1\r\n${H}\r\n`,
    { host: "a", path: "/", query: "?b/c" },
  ],
  [
    "9112 3.2.3",
    "authority-form",
    `CONNECT A.example:443 HTTP/1.1\r\n${H}\r\n`,
    { host: "a.example", authority: "a.example:443", path: "" },
  ],
  ["9112 3.2.4", "asterisk-form", `OPTIONS * HTTP/1.1\r\n${H}\r\n`, { asterisk: true, path: "*" }],
  [
    "9112 3.2.4",
    "absolute-form without path, OPTIONS",
    `OPTIONS http://a HTTP/1.1\r\n${H}\r\n`,
    { asterisk: true, path: "*", host: "a" },
  ],
  ["9112 3.2", "HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", { host: "", minor: 0, keepAlive: false }],
  [
    "9110 7.2",
    "case and port of Host",
    "GET / HTTP/1.1\r\nhOsT:  Www.EXAMPLE.com:8080 \r\n\r\n",
    { host: "www.example.com", authority: "www.example.com:8080" },
  ],
  [
    "9110 7.2",
    "IPv6 Host",
    "GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n",
    { host: "[2001:db8::1]", authority: "[2001:db8::1]:80" },
  ],
  ["9110 8.6", "length 0 with GET", get("Content-Length: 0\r\n"), { contentLength: 0 }],
  ["9110 8.6", "greatest length", get("Content-Length: 9007199254740991\r\n"), { contentLength: 9007199254740991 }],
  ["9110 8.6", "leading zeros", get("Content-Length: 0010\r\n"), { contentLength: 10 }],
  ["9112 6.1", "coding in any case", get("transfer-encoding:  ChunKED \r\n"), { chunked: true, contentLength: -1 }],
  ["9112 9.3", "close", get("Connection: Close\r\n"), { keepAlive: false }],
  ["9112 9.3", "close in a list", get("Connection: foo , close\r\n"), { keepAlive: false, nominates: true }],
  ["9112 9.3", "close in a second field", get("Connection: keep-alive\r\nConnection: close\r\n"), { keepAlive: false }],
  ["9112 9.3", "keep-alive in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", { keepAlive: true }],
  ["9112 9.3", "close wins over keep-alive", get("Connection: keep-alive, close\r\n"), { keepAlive: false }],
  [
    "9110 10.1.1",
    "expectation with a body",
    get("Expect: 100-Continue\r\nContent-Length: 1\r\n"),
    { expectContinue: true },
  ],
  ["9110 10.1.1", "expectation without a body", get("Expect: 100-continue\r\n"), { expectContinue: false }],
  [
    "9110 10.1.1",
    "expectation in HTTP/1.0",
    "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
    { expectContinue: false },
  ],
  [
    "9110 7.8",
    "upgrade",
    get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"),
    { upgrade: true, keepAlive: true },
  ],
  ["9110 7.8", "Upgrade without Connection", get("Upgrade: websocket\r\n"), { upgrade: false }],
  ["9110 7.8", "Connection without Upgrade", get("Connection: upgrade\r\n"), { upgrade: false }],
  [
    "9110 7.8",
    "upgrade in HTTP/1.0",
    "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    { upgrade: false },
  ],
  ["9110 5.5", "opaque bytes and tabs in a value", get("A: \xe4\tb \r\n"), { count: 2 }],
  ["9110 5.5", "empty value", get("A:\r\nB: \t \r\n"), { count: 3 }],
];

describe("parseRequestHead", () => {
  it.each(accepted)("RFC %s: accepts %s", (_rfc, _name, text, expected) => {
    const head = parse(text);
    expect(head).toMatchObject(expected);
    expect(head.end).toBe(text.length);
    expect(byteByByte(text).head).toMatchObject(expected);
  });

  it("leaves what follows the head alone", () => {
    const head = parse(`${get("Content-Length: 2\r\n")}{}GET`);
    expect(head.text.slice(head.end)).toBe("{}GET");
  });

  it("stays refused", () => {
    const head = new RequestHead();
    expect(parseRequestHead(head, "GET /\n", 0, limits)).toBe(REFUSED);
    expect(parseRequestHead(head, get(""), 0, limits)).toBe(REFUSED);
    head.reset();
    expect(parseRequestHead(head, get(""), 0, limits)).toBe(COMPLETE);
  });

  it("is used again without remembering anything of the request before", () => {
    const head = new RequestHead();
    const fresh = new RequestHead();
    for (const [, , text] of accepted) {
      head.reset();
      fresh.reset();
      parseRequestHead(
        head,
        get("Connection: close, upgrade, x\r\nUpgrade: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"),
        0,
        limits,
      );
      head.reset();
      parseRequestHead(head, text, 0, limits);
      parseRequestHead(fresh, text, 0, limits);
      for (const key of [
        "method",
        "target",
        "path",
        "query",
        "host",
        "authority",
        "minor",
        "contentLength",
        "chunked",
        "keepAlive",
        "expectContinue",
        "upgrade",
        "asterisk",
        "end",
        "count",
        "nominates",
      ] as const) {
        expect(head[key], key).toBe(fresh[key]);
      }
    }
  });

  it("finds heads that are larger than the first window, with a body behind them", () => {
    const big = { maxRequestLine: 8000, maxHeadSize: 80_000, maxHeaders: 1000 };
    const text = `GET / HTTP/1.1\r\n${H}${"Name: value\r\n".repeat(900)}\r\n`;
    const head = new RequestHead();
    expect(parseRequestHead(head, `${"x".repeat(70_000)}${text}${"\0".repeat(90_000)}`, 70_000, big)).toBe(COMPLETE);
    expect([head.end, head.count]).toEqual([70_000 + text.length, 901]);
    expect(head.all("name")).toEqual(Array.from({ length: 900 }, () => "value"));
  });

  it("gives the same result wherever the bytes are split", () => {
    const samples = accepted.map(([, , text]) => text);
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(fc.nat(300), { maxLength: 5 }), (text, cuts) => {
        const head = new RequestHead();
        let status: number = NEED_MORE;
        for (const cut of [...cuts, text.length].sort((a, b) => a - b)) {
          if (status === NEED_MORE) status = parseRequestHead(head, text.slice(0, cut), 0, limits);
        }
        expect(status).toBe(COMPLETE);
        const whole = parse(text);
        expect([head.end, head.path, head.count]).toEqual([whole.end, whole.path, whole.count]);
      }),
    );
  });

  it("reads back what was written", () => {
    const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
    const value = fc.stringMatching(/^([!-~\x80-\xff]([ \t!-~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
    const field = fc.tuple(
      token.map((name) => `X-${name}`),
      value,
    );
    const path = fc.stringMatching(/^(\/[a-z0-9_~-]{1,8}){1,4}$/);
    fc.assert(
      fc.property(token, path, fc.array(field, { maxLength: 8 }), (method, target, fields) => {
        fc.pre(method !== "CONNECT");
        const lines = fields.map(([name, content]) => `${name}: ${content}\r\n`).join("");
        const head = parse(`${method} ${target} HTTP/1.1\r\n${H}${lines}\r\n`);
        expect([head.method, head.path, head.target]).toEqual([method, target, target]);
        expect(Array.from({ length: head.count - 1 }, (_, i) => [head.nameAt(i + 1), head.valueAt(i + 1)])).toEqual(
          fields,
        );
      }),
    );
  });
});
