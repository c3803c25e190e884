import { createSecureServer, createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { authority, certificate, key } from "./certificate.fixture.ts";
import { decodeHealthResponse, encodeHealthRequest } from "./grpc-messages.ts";
import { check, on, saying, settingsOf, startPeer, until } from "./peer.fixture.ts";

type Handler = (stream: ServerHttp2Stream, request: { headers: Record<string, unknown>; body: Buffer }) => unknown;

/** A gRPC server as far as HTTP/2 goes. */
async function startGrpc(handler: Handler, secure = false) {
  const server: Http2Server = secure ? (createSecureServer({ cert: certificate, key }) as Http2Server) : createServer();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    const parts: Buffer[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("end", () => handler(stream, { headers, body: Buffer.concat(parts) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, open: () => sockets.size };
}

const GRPC = { ":status": 200, "content-type": "application/grpc+proto" };
const framed = (...bytes: readonly number[]): Buffer => Buffer.from([0, 0, 0, 0, bytes.length, ...bytes]);
const reply =
  (message: Buffer, trailers: Record<string, string> = { "grpc-status": "0" }): Handler =>
  (stream) => {
    stream.respond(GRPC, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(message);
  };
/** Head and trailers in one, as gRPC does for errors. */
const trailersOnly =
  (status: string, message?: string): Handler =>
  (stream) =>
    stream.respond(
      { ...GRPC, "grpc-status": status, ...(message && { "grpc-message": message }) },
      { endStream: true },
    );

async function ask(handler: Handler, settings: object = {}, timeout = 5000) {
  const server = await startGrpc(handler);
  const result = await check({ type: "grpc", ...settings }, on(server.port), timeout);
  await until("the connection is closed", () => server.open() === 0);
  return result;
}

describe("grpc", () => {
  it("calls Health/Check for the service", async () => {
    let seen: Parameters<Handler>[1] | undefined;
    const handler: Handler = (stream, request) => {
      seen = request;
      reply(framed(8, 1))(stream, request);
    };
    expect(await ask(handler, { service: "shop.Orders" })).toEqual({
      outcome: "healthy",
      details: { status: "SERVING" },
    });
    expect(seen!.headers).toMatchObject({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    expect(seen!.body).toEqual(Buffer.from("\0\0\0\0\u000d\u000a\u000bshop.Orders", "latin1"));
  });

  it.each<[string, Handler, string, string?]>([
    ["SERVING, with fields of the future", reply(framed(0x12, 1, 65, 8, 1)), "healthy"],
    ["NOT_SERVING", reply(framed(8, 2)), "unhealthy", "status NOT_SERVING"],
    ["UNKNOWN, the default of the field", reply(framed()), "unhealthy", "status UNKNOWN"],
    ["SERVICE_UNKNOWN", reply(framed(8, 3)), "unhealthy", "status SERVICE_UNKNOWN"],
    ["a status of the future", reply(framed(8, 9)), "unhealthy", "status 9"],
    [
      "an unknown service",
      trailersOnly("5", "unknown%20service"),
      "unhealthy",
      "the server does not know the service: unknown service",
    ],
    ["no health service", trailersOnly("12"), "unhealthy", "the server has no grpc.health.v1.Health"],
    [
      "another error",
      reply(Buffer.alloc(0), { "grpc-status": "13", "grpc-message": "bad %zz" }),
      "unhealthy",
      "gRPC status 13: bad %zz",
    ],
    ["no status", reply(framed(8, 1), {}), "unhealthy", "an answer without grpc-status"],
    ["no message", reply(Buffer.alloc(0)), "unhealthy", "not a gRPC answer: an answer without a message"],
    [
      "half a message",
      reply(Buffer.from([0, 0, 0, 0, 9, 8])),
      "unhealthy",
      "not a gRPC answer: a message of an impossible length",
    ],
    [
      "a compressed message",
      reply(Buffer.from([1, 0, 0, 0, 1, 8])),
      "unhealthy",
      "not a gRPC answer: a compressed message, which was not asked for",
    ],
    ["a malformed message", reply(framed(8)), "unhealthy", "not a gRPC answer: a malformed message"],
    [
      "a web server's answer",
      (stream) => stream.respond({ ":status": 404 }, { endStream: true }),
      "unhealthy",
      "HTTP status 404, expected a gRPC answer",
    ],
    [
      "a web page",
      (stream) => (stream.respond({ ":status": 200, "content-type": "text/html" }), stream.end("hi")),
      "unhealthy",
      "not a gRPC answer",
    ],
    [
      "a reset",
      (stream) => stream.close(2),
      "unhealthy",
      "the call failed: Stream closed with error code NGHTTP2_INTERNAL_ERROR",
    ],
    [
      "an endless answer",
      (stream) => {
        stream.respond(GRPC);
        const write = (): void => {
          while (!stream.destroyed && stream.write(Buffer.alloc(1000)));
        };
        stream.on("drain", write);
        write();
      },
      "unhealthy",
      "answered with more than 8192 bytes",
    ],
    ["silence", () => undefined, "unhealthy", "no answer within 200 ms"],
  ])("%s", async (_name, handler, outcome, reason) => {
    const result = await ask(handler, {}, reason?.includes("within") ? 200 : 5000);
    expect([result.outcome, result.reason]).toEqual([outcome, reason]);
  });

  it("is not fooled by a server that speaks something else", async () => {
    const peer = await startPeer(saying("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    const result = await check({ type: "grpc" }, on(peer.port));
    expect(result).toMatchObject({ outcome: "unhealthy", reason: expect.stringMatching(/.+/) as string });
    expect(result.unreachable).toBeUndefined();
    await until("the connection is closed", () => peer.open() === 0);
  });

  it("asks over TLS, and only a server that it trusts", async () => {
    const server = await startGrpc(reply(framed(8, 1)), true);
    expect(await check({ type: "grpc", tls: true, ca: authority }, on(server.port))).toMatchObject({
      outcome: "healthy",
      details: { status: "SERVING", certificateExpires: "2120-01-01T00:00:00.000Z" },
    });
    expect((await check({ type: "grpc", tls: true }, on(server.port))).reason).toContain("not trusted");
    const without = await startPeer(() => undefined, { tls: true, alpn: ["http/1.1"] });
    const result = await check({ type: "grpc", tls: true, verify: false }, on(without.port));
    expect(result.outcome).toBe("unhealthy");
    await until("all is closed", () => server.open() + without.open() === 0);
  });

  it("refuses TLS settings without TLS", () => {
    expect(settingsOf({ type: "grpc", serverName: "a" }).problems).toEqual(["`ca` and `serverName` need `tls: true`"]);
  });
});

describe("messages", () => {
  it("of any bytes are read or refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
        const found = decodeHealthResponse(framed(...body));
        expect(typeof found === "string" || found.status !== undefined).toBe(true);
        decodeHealthResponse(Buffer.from(body));
      }),
      { numRuns: 1000 },
    );
  });

  it("have lengths of more than one byte", () => {
    const request = encodeHealthRequest("x".repeat(300));
    expect([...request.subarray(0, 8)]).toEqual([0, 0, 0, 1, 47, 10, 0xac, 2]);
    expect(request.length).toBe(5 + 303);
  });
});
