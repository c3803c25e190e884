import { beforeAll, describe, expect, it } from "vitest";
import type { Evenkeel } from "../../support/evenkeel.ts";
import { data, headers, type RawField, request, upload } from "../../support/http2-frames.ts";
import { Http2Raw } from "../../support/http2-raw.ts";
import { startProxy, waitForQuiet } from "../../support/proxy.ts";
import { type OriginRequest, type RawOrigin, startRawOrigin } from "../../support/raw-origin.ts";

/** A request whose field of that name (or pseudo-header) is another one. */
const replaced = (name: string, value: string): RawField[] =>
  request().map((field): RawField => (field[0] === name ? [name, value] : field));

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n";

/** What must never reach a server: fields, or a head with a body behind it. */
const refused: [what: string, fields: RawField[], body?: string][] = [
  // Bytes that end a line, or what they may be taken for.
  ...["\r\n", "\n", "\r", "\0", "\x0b", "\x7f"].flatMap((bytes): [string, RawField[]][] => [
    [`${JSON.stringify(bytes)} in a value`, request("/", ["x", `a${bytes}y: b`])],
    [`${JSON.stringify(bytes)} at the end of a value`, request("/", ["x", `a${bytes}`])],
    [`${JSON.stringify(bytes)} in a name`, request("/", [`x${bytes}y`, "a"])],
    [`${JSON.stringify(bytes)} in the method`, replaced(":method", `GET${bytes}x`)],
    [`${JSON.stringify(bytes)} in the path`, replaced(":path", `/a${bytes}b`)],
    [`${JSON.stringify(bytes)} in the authority`, replaced(":authority", `a${bytes}b`)],
    [`${JSON.stringify(bytes)} in the scheme`, replaced(":scheme", `http${bytes}`)],
    [`${JSON.stringify(bytes)} in a cookie`, request("/", ["cookie", "a=1"], ["cookie", `b=2${bytes}`])],
  ]),
  ["a whole request in a value", request("/", ["x", `a\r\n\r\n${SMUGGLED}`])],
  ["a whole request in the path", replaced(":path", `/ HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`)],
  ["a whole request in the method", replaced(":method", SMUGGLED)],
  ["a colon in a name", request("/", ["transfer-encoding:", "chunked"])],
  ["a name with its value", request("/", ["transfer-encoding: chunked\r\nx", "y"])],
  ["a name in upper case", request("/", ["Transfer-Encoding", "chunked"])],
  ["an empty name", request("/", ["", "x"])],
  ["a space in a name", request("/", ["x y", "z"])],
  ["a space before a name", request("/", [" transfer-encoding", "chunked"])],
  ["a name beyond ASCII", request("/", ["tr\xe4nsfer-encoding", "chunked"])],
  ["spaces around a value", request("/", ["x", " y "])],
  // The request line.
  ["a space in the method", replaced(":method", "GET /x")],
  ["an empty method", replaced(":method", "")],
  ["a path with a version", replaced(":path", "/a HTTP/1.1")],
  ["a path in absolute form", replaced(":path", "http://evil/")],
  ["a path without a slash", replaced(":path", "smuggled")],
  ["an asterisk with GET", replaced(":path", "*")],
  ["a fragment", replaced(":path", "/a#b")],
  ["an empty path", replaced(":path", "")],
  ["a path twice", request("/", [":path", "/smuggled"])],
  ["a method behind fields", [...request("/", ["x", "y"]), [":method", "POST"]]],
  ["an unknown pseudo-header", [[":x", "y"], ...request()]],
  ["a pseudo-header of answers", [[":status", "200"], ...request()]],
  // Host.
  ["another Host than the authority", request("/", ["host", "evil"])],
  ["Host twice", [...request("/").filter(([name]) => name !== ":authority"), ["host", "a"], ["host", "b"]]],
  ["a user in the authority", replaced(":authority", "a.test@evil")],
  ["a path in the authority", replaced(":authority", "a.test/smuggled")],
  ["two authorities in one", replaced(":authority", "a.test,evil")],
  ["an empty authority", replaced(":authority", "")],
  // Framing.
  ["Transfer-Encoding", upload("/", ["transfer-encoding", "chunked"]), `0\r\n\r\n${SMUGGLED}`],
  [
    "Transfer-Encoding beside a length",
    upload("/", ["content-length", "5"], ["transfer-encoding", "chunked"]),
    "0\r\n\r\n",
  ],
  ...["connection", "keep-alive", "proxy-connection", "upgrade", "http2-settings"].map((name): [string, RawField[]] => [
    name,
    request("/", [name, "x"]),
  ]),
  ["Connection that names a field", request("/", ["connection", "x-forwarded-for"], ["x-forwarded-for", "1.2.3.4"])],
  ["TE other than trailers", request("/", ["te", "gzip, trailers"])],
  ["a length that is more than the body", upload("/", ["content-length", "10"]), "abc"],
  ["a length that is less than the body", upload("/", ["content-length", "1"]), `a${SMUGGLED}`],
  ["a length of nothing and a body", upload("/", ["content-length", "0"]), SMUGGLED],
  ["two lengths", upload("/", ["content-length", "3"], ["content-length", "4"]), "abc"],
  ["a list of lengths", upload("/", ["content-length", "3, 3"]), "abc"],
  ["a length with a sign", upload("/", ["content-length", "+3"]), "abc"],
  ["a length that is negative", upload("/", ["content-length", "-3"]), "abc"],
  ["a length that is hexadecimal", upload("/", ["content-length", "0x3"]), "abc"],
  ["a length without digits", upload("/", ["content-length", ""]), "abc"],
  ["a length beyond numbers", upload("/", ["content-length", "18446744073709551619"]), "abc"],
  [
    "CONNECT",
    [
      [":method", "CONNECT"],
      [":authority", "a.test:80"],
    ],
    SMUGGLED,
  ],
  [
    "extended CONNECT for another protocol",
    [[":method", "CONNECT"], [":protocol", "x"], ...request().slice(1)],
    SMUGGLED,
  ],
  ["a protocol with GET", request("/").concat([]).toSpliced(1, 0, [":protocol", "websocket"])],
];

describe("requests of HTTP/2 to a server of HTTP/1.1", () => {
  let origin: RawOrigin;
  let evenkeel: Evenkeel;

  beforeAll(async () => {
    origin = await startRawOrigin();
    evenkeel = await startProxy([origin.address], { pool: { retries: { attempts: 0 }, outlierDetection: false } });
  });

  const known = new Set<OriginRequest>();

  /** Sends one request and then an ordinary one, and says what the first one got, and what of it the server saw. */
  async function attempt(fields: readonly RawField[], body?: string) {
    for (const one of origin.requests) known.add(one);
    const client = await Http2Raw.connect(evenkeel.port());
    await client.send(headers(1, fields, body === undefined), body === undefined ? "" : data(1, body, true));
    const first = await client.answer(1);
    await client.send(headers(3, request("/after")));
    expect((await client.answer(3)).status).toBe(200);
    client.socket.destroy();
    expect(origin.connections.map(({ garbage }) => garbage).filter((garbage) => garbage !== undefined)).toEqual([]);
    const unknown = origin.requests.filter((one) => !known.has(one));
    const news = unknown.filter(({ target }) => target !== "/after");
    expect(unknown.length - news.length).toBe(1);
    return { first, news };
  }

  it.each(refused)("never have %s", async (_, fields, body) => {
    const { first, news } = await attempt(fields, body);
    expect(first.reset === undefined ? first.status : 400).toBeGreaterThanOrEqual(400);
    expect(origin.text).not.toMatch(/smuggled|evil/);
    // A head may have gone on before its body turned out to be another. It never becomes a request, unless it had no body.
    expect(news.filter(({ headers: { "content-length": length } }) => length !== "0")).toEqual([]);
  });

  it("have nothing that a proxy says itself, from clients", async () => {
    const names = [
      "x-forwarded-for",
      "x-forwarded-host",
      "x-forwarded-proto",
      "x-forwarded-port",
      "x-forwarded-prefix",
      "x-forwarded-server",
      "x-real-ip",
      "forwarded",
      "x-client-cert-subject",
      "x-client-cert-issuer",
      "x-client-cert-serial",
      "x-client-cert-fingerprint",
      "x-client-cert-not-after",
      "client-cert",
      "client-cert-chain",
      "proxy-authorization",
    ];
    const forged = names.map((name): RawField => [name, "forged"]);
    const { news } = await attempt(request("/forged", ...forged, ["te", "trailers"]));
    expect(news).toHaveLength(1);
    expect(news[0]!.head).not.toContain("forged\r\n");
    expect(news[0]!.headers["x-forwarded-for"]).toBe("127.0.0.1");

    const client = await Http2Raw.connect(evenkeel.port());
    const trailers = [...names, "host", "content-length", "cookie", "authorization", "trailer", "expect"];
    for (const [i, name] of trailers.entries()) {
      const id = 2 * i + 1;
      await client.send(headers(id, upload(`/trailer-${name}`), false), data(id, "abc"));
      await client.send(
        headers(id, [
          ["x-sum", "1"],
          [name, "forged"],
        ]),
      );
      expect((await client.answer(id)).status).toBe(200);
      const seen = origin.requests.find(({ target }) => target === `/trailer-${name}`)!;
      expect([seen.body.toString(), seen.trailers.toLowerCase()]).toEqual(["abc", "x-sum: 1\r\n"]);
    }
  });

  it("have framing of our own for what is allowed", async () => {
    const pieces: [RawField[], string | undefined, Record<string, string | undefined>][] = [
      [upload("/b1"), "abc", { "transfer-encoding": "chunked", "content-length": undefined }],
      [upload("/b2", ["content-length", "3"]), "abc", { "transfer-encoding": undefined, "content-length": "3" }],
      [upload("/b3", ["content-length", "0"]), "", { "transfer-encoding": undefined, "content-length": "0" }],
      [request("/b4", ["cookie", "a=1"], ["cookie", "b=2; c=3"], ["cookie", ""]), undefined, {}],
      [request("/b5?a=b%23c", ["host", "A.test"]), undefined, { host: "a.test" }],
      [request("//evil.test/b6"), undefined, { host: "a.test" }],
      [request("/b7", ["x", ""], ["y", "a: b\xff"]), undefined, { x: "", y: "a: b\xff" }],
      [request("/b8", ["expect", "100-continue"]), undefined, {}],
    ];
    for (const [fields, body, expected] of pieces) {
      const { first, news } = await attempt(fields, body);
      expect([first.status, news.length], fields.join()).toEqual([200, 1]);
      for (const [name, value] of Object.entries(expected)) expect(news[0]!.headers[name]).toBe(value);
      expect(news[0]!.target.startsWith("/")).toBe(true);
      const framing = news[0]!.lines.flatMap(
        (line) => /^(?:host|content-length|transfer-encoding|cookie)(?=:)/i.exec(line) ?? [],
      );
      expect(new Set(framing.map((name) => name.toLowerCase())).size).toBe(framing.length);
      expect(news[0]!.body.toString()).toBe(body ?? "");
    }
    await waitForQuiet(evenkeel);
  });
});
