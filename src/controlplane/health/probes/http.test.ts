import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { answering, check, on, settingsOf, startPeer, until, type Script } from "./peer.fixture.ts";

const answer = (body: string, head = "200 OK", fields = ""): string =>
  `HTTP/1.1 ${head}\r\n${fields}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const json = (value: unknown, fields = ""): string =>
  answer(JSON.stringify(value), "200 OK", `Content-Type: application/json\r\n${fields}`);

async function ask(script: Script | string, settings: object = {}, timeout = 5000) {
  const peer = await startPeer(typeof script === "string" ? answering(script) : script);
  const result = await check({ type: "http", ...settings }, on(peer.port), timeout);
  await until("the connection is closed", () => peer.open() === 0);
  return { ...result, sent: peer.text() };
}

const repeat = (socket: Socket, piece: string | Buffer): void => {
  const write = (): void => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", write);
  socket.once("data", write);
};

describe("the request", () => {
  it("is a GET of / that closes the connection", async () => {
    const { outcome, sent } = await ask(answer("ok"));
    expect(outcome).toBe("healthy");
    expect(sent).toMatch(
      /^GET \/ HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\nUser-Agent: evenkeel-health\/1\r\nAccept: \*\/\*\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n$/,
    );
  });

  it("has what the settings say", async () => {
    const { sent } = await ask(answer("ok"), {
      method: "POST",
      path: "/health?full=1",
      host: "api.example.com",
      headers: { "User-Agent": "me", "X-Key": "a b" },
    });
    expect(sent).toMatch(
      /^POST \/health\?full=1 HTTP\/1\.1\r\nHost: api\.example\.com\r\nUser-Agent: me\r\nX-Key: a b\r\n/,
    );
    expect(sent).toContain("Content-Length: 0\r\n");
    expect(sent).not.toContain("evenkeel-health");
  });
});

describe("the status", () => {
  it.each<[string, object, string, string?]>([
    ["200 OK", {}, "healthy"],
    ["302 Found", {}, "healthy"],
    ["404 Not Found", {}, "unhealthy", "status 404, expected 200-399"],
    ["503 Busy", {}, "unhealthy", "status 503, expected 200-399"],
    ["302 Found", { expectedStatus: [200, "204-206"] }, "unhealthy", "status 302, expected 200 or 204-206"],
    ["205 Reset", { expectedStatus: [200, "204-206"] }, "healthy"],
    ["503 Busy", { expectedStatus: 503 }, "healthy"],
    ["101 Switching Protocols", {}, "unhealthy", "status 101, expected 200-399"],
    ["429 Too Many", { degradedStatus: 429 }, "degraded", "status 429"],
    ["200 OK", { degradedStatus: "200-201" }, "degraded", "status 200"],
  ])("%s with %j", async (head, settings, outcome, reason) => {
    expect(await ask(answer("", head), settings)).toMatchObject({
      outcome,
      ...(reason && { reason }),
      details: { status: Number(head.slice(0, 3)) },
    });
  });

  it("of interim answers does not count", async () => {
    const result = await ask(
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${answer("ok")}`,
      {
        body: "ok",
      },
    );
    expect(result.outcome).toBe("healthy");
  });
});

describe("the body", () => {
  it.each<[string, string, object, string, string?]>([
    ["holds a text", answer("all is well"), { body: "is w" }, "healthy"],
    ["does not", answer("no"), { body: "yes" }, "unhealthy", 'the body does not hold "yes"'],
    ["matches", answer("up 15"), { bodyPattern: "^up \\d+$" }, "healthy"],
    ["does not match", answer("up x"), { bodyPattern: "^up \\d+$" }, "unhealthy", "the body does not match ^up \\d+$"],
    [
      "comes in chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nall\r\n5\r\n well\r\n0\r\nA: b\r\n\r\n",
      { body: "all well" },
      "healthy",
    ],
    ["is UTF-8", answer("ça va"), { body: "ça" }, "healthy"],
    ["is missing", answer(""), { body: "x" }, "unhealthy", 'the body does not hold "x"'],
  ])("%s", async (_name, text, settings, outcome, reason) => {
    expect(await ask(text, settings)).toMatchObject({ outcome, ...(reason && { reason }) });
  });

  it("until the end of the connection is read to the end", async () => {
    const text = "HTTP/1.1 200 OK\r\n\r\nall well";
    expect(await ask((socket) => socket.once("data", () => socket.end(text)), { body: "well" })).toMatchObject({
      outcome: "healthy",
    });
  });

  it("is not waited for when nobody wants it", async () => {
    expect(await ask("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")).toMatchObject({ outcome: "healthy" });
  });

  it("is read up to the limit", async () => {
    const long = answer(`${"x".repeat(100)}needle`);
    expect(await ask(long, { body: "needle", maxBody: 100 })).toMatchObject({
      reason: 'the first 100 bytes of the body do not hold "needle"',
    });
    expect(await ask(long, { json: ["a == 1"], maxBody: 100 })).toMatchObject({
      reason: "the body has more than 100 bytes (`maxBody`)",
    });
  });
});

describe("JSON", () => {
  const state = { database_connected: true, cpu_usage: 80, memory_usage: 91, checks: { db: { status: "up" } } };

  it.each<[string[], string, string?]>([
    [["database_connected == true", "cpu_usage <= 95"], "healthy"],
    [["cpu_usage <= 95", "memory_usage <= 90"], "unhealthy", "memory_usage is 91, expected <= 90"],
    [['checks.db.status != "down"'], "healthy"],
    [['checks.cache.status != "down"'], "unhealthy", 'checks.cache.status is missing, expected != "down"'],
  ])("%j", async (conditions, outcome, reason) => {
    expect(await ask(json(state), { json: conditions })).toMatchObject({ outcome, ...(reason && { reason }) });
  });

  it("that is none fails the conditions, whatever its type says", async () => {
    const text = answer("<html>", "200 OK", "Content-Type: application/json\r\n");
    expect(await ask(text, { json: ["a == 1"] })).toMatchObject({ reason: 'the body is not JSON: "<html>"' });
    // Without conditions nobody asked for JSON.
    expect(await ask(text)).toMatchObject({ outcome: "healthy" });
  });

  it.each<[string, object, string, string?]>([
    ["degraded", {}, "degraded", 'status == "degraded"'],
    ["warn", {}, "degraded", 'status == "warn"'],
    ["pass", {}, "healthy"],
    ["degraded", { degradedWhen: [] }, "healthy"],
    ["ok", { degradedWhen: ["cpu_usage > 70"] }, "degraded", "cpu_usage > 70"],
  ])("says %s, with %j", async (status, settings, outcome, reason) => {
    expect(await ask(json({ ...state, status }), settings)).toMatchObject({ outcome, ...(reason && { reason }) });
  });

  it("without its media type says nothing by itself", async () => {
    expect(await ask(answer('{"status":"degraded"}'))).toMatchObject({ outcome: "healthy" });
    const health = answer('{"status":"warn"}', "200 OK", "Content-Type: application/health+json; charset=utf-8\r\n");
    expect(await ask(health)).toMatchObject({ outcome: "degraded" });
  });
});

describe("the server's own report", () => {
  it("is a field that means degraded", async () => {
    const settings = { degradedHeader: "X-Envoy-Degraded" };
    expect(await ask(answer("", "200 OK", "x-envoy-degraded: \r\n"), settings)).toMatchObject({
      outcome: "degraded",
      reason: "the answer has x-envoy-degraded",
    });
    expect(await ask(answer(""), settings)).toMatchObject({ outcome: "healthy" });
  });

  it("of its utilisation is in a field or in JSON", async () => {
    const field = "endpoint-load-metrics: TEXT cpu_utilization=0.3\r\n";
    expect((await ask(answer("", "200 OK", field))).utilisation).toBe(0.3);
    expect((await ask(json({ cpu_usage: 82 }), { utilisation: "cpu_usage" })).utilisation).toBe(0.82);
    expect((await ask(json({ load: [0.5] }), { utilisation: "load[0]", utilisationUnit: "share" })).utilisation).toBe(
      0.5,
    );
    expect((await ask(json({ cpu_usage: "82" }, field), { utilisation: "cpu_usage" })).utilisation).toBe(0.3);
    expect((await ask(json({ cpu_usage: -1 }), { utilisation: "cpu_usage" })).utilisation).toBeUndefined();
  });
});

describe("bad servers", () => {
  it.each<[string, Script | string, string | RegExp, object?]>([
    ["garbage", "SSH-2.0-OpenSSH_9.2\r\n", /^not a valid HTTP answer: /],
    ["another protocol's bytes", "\u0000\u0001\u0002\u00ff\r\n\r\n", /^not a valid HTTP answer: /],
    ["an impossible status", "HTTP/1.1 999 Wow\r\n\r\n", /^not a valid HTTP answer: /],
    [
      "no answer",
      (socket) => socket.once("data", () => socket.end()),
      "the server closed the connection without an answer",
    ],
    [
      "half a head",
      (socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nA: b")),
      "the server closed the connection within the head",
    ],
    [
      "half a body",
      (socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")),
      "the server closed the connection within the body",
      { body: "x" },
    ],
    [
      "a bad chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      /^not a valid HTTP answer: /,
      { body: "x" },
    ],
    [
      "a length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      /^not a valid/,
    ],
    [
      "a reset",
      (socket) => socket.once("data", () => socket.resetAndDestroy()),
      "connection lost: reset by the server",
    ],
    [
      "an endless field",
      (socket) => {
        socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nA: "));
        repeat(socket, "a".repeat(1000));
      },
      "not a valid HTTP answer: the head is too large",
    ],
    [
      "endless fields",
      (socket) => {
        socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n"));
        repeat(socket, "a: b\r\n".repeat(50));
      },
      "not a valid HTTP answer: too many field lines",
    ],
    [
      "interim answers only",
      (socket) => repeat(socket, "HTTP/1.1 100 Continue\r\n\r\n".repeat(5)),
      "more than 8 interim answers",
    ],
    [
      "an endless body",
      (socket) => {
        socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
        repeat(socket, Buffer.alloc(100_000));
      },
      'the first 65536 bytes of the body do not hold "x"',
      { body: "x" },
    ],
  ])("%s", async (_name, script, reason, settings = {}) => {
    const result = await ask(script, settings);
    expect(result.outcome).toBe("unhealthy");
    expect(result.reason).toMatch(reason instanceof RegExp ? reason : new RegExp(`^${RegExp.escape(reason)}$`));
    expect(result.unreachable).toBeUndefined();
  });

  it.each<[string, Script, string, object?]>([
    ["silent", () => undefined, "no answer within 100 ms"],
    [
      "slow with the head",
      (socket) => drip(socket, `HTTP/1.1 200 OK\r\nX: ${"x".repeat(10_000)}`),
      "no answer within 100 ms",
    ],
    [
      "slow with the body",
      (socket) => drip(socket, answer("x".repeat(10_000))),
      "no end of the answer's body within 100 ms",
      { body: "y" },
    ],
  ])("%s", async (_name, script, reason, settings = {}) => {
    expect(await ask(script, settings, 100)).toMatchObject({ outcome: "unhealthy", reason });
  });
});

/** The head line by line at once, then a byte every 5 ms. */
function drip(socket: Socket, text: string): void {
  const start = text.indexOf("\r\n\r\n") < 0 ? 17 : text.indexOf("\r\n\r\n") + 4;
  socket.once("data", () => {
    socket.write(text.slice(0, start));
    let at = start;
    const timer = setInterval(() => socket.write(text.slice(at, ++at)), 5);
    socket.once("close", () => clearInterval(timer));
  });
}

describe("settings", () => {
  it.each<[object, string]>([
    [{ expectedStatus: ["300-200"] }, "300-200 is no range: it begins behind its end"],
    [{ expectedStatus: ["2xx"] }, 'not "2xx"'],
    [{ expectedStatus: [700] }, "not 700"],
    [{ expectedStatus: [] }, "at least 1 entry"],
    [{ path: "health" }, '"health": a path starts with a slash'],
    [{ path: "/a b" }, '"/a b": a path starts with a slash'],
    [{ path: "/a\r\nX: y" }, "visible ASCII characters"],
    [{ method: "G T" }, "not a method name"],
    [{ method: "CONNECT" }, "CONNECT asks for a tunnel"],
    [{ method: "HEAD", json: ["a == 1"] }, "an answer to HEAD has no body"],
    [{ host: "a b" }, "not a host name"],
    [{ headers: { Host: "a" } }, "Host is set by the check itself; use `host`"],
    [{ headers: { "content-length": "5" } }, "content-length is set by the check itself"],
    [{ headers: { "X-A": "a\r\nB: c" } }, "a field value has no control characters"],
    [{ headers: { "X A": "a" } }, "not a field name"],
    [{ bodyPattern: "(" }, "not a regular expression"],
    [{ json: ["cpu <= high"] }, '"cpu <= high": a text needs quotes'],
    [{ utilisation: "a..b" }, "expected a key behind the dot"],
    [{ maxBody: "2MiB" }, "`maxBody` must be from 1 byte to 1 MiB"],
    [{ bdoy: "x" }, 'did you mean "body"?'],
  ])("%j", (settings, message) => {
    expect(settingsOf({ type: "http", ...settings }).problems.join("\n")).toContain(message);
  });

  it("warn of expressions that backtrack", () => {
    const { settings, problems } = settingsOf({ type: "http", bodyPattern: "(a+)+b" });
    expect(settings).toMatchObject({ bodyPattern: "(a+)+b" });
    expect(problems.join()).toContain("a repetition within a repetition");
  });
});
