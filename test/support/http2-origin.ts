import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { atEnd } from "./cleanup.ts";
import type { Origin } from "./origins.ts";
import { digest, payload } from "./payload.ts";

/** How an HTTP/2 origin is started; everything else is as Node does it. */
export interface Http2OriginOptions {
  readonly name?: string;
  /** With a key the origin speaks TLS. */
  readonly tls?: http2.SecureServerOptions;
  readonly settings?: http2.Settings;
  /** After so many requests a connection gets a GOAWAY and ends when they are answered; 0 for never. */
  readonly goAwayAfter?: number;
  /** Answers instead of the origin's own paths; true when it has. */
  readonly answer?: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => boolean;
}

/** A server of node:http2 inside of the test's process. */
export interface Http2Origin extends Origin {
  readonly server: http2.Http2Server;
  /** Sessions that were begun. */
  sessions: number;
  /** Sessions that are open. */
  readonly open: Set<http2.ServerHttp2Session>;
  /** Requests, by their fields, in the order of their arrival. */
  readonly requests: http2.IncomingHttpHeaders[];
  /** Streams that are being worked on, and the most that there were at one time on one connection. */
  most: number;
  /** How streams ended that the client reset, by code. */
  readonly resets: number[];
}

/**
 * Paths: `/bytes/N`, `/slow/MS`, `/status/N`, `/mirror`, `/trailers` (with the request's own sent back), `/hints`; anything
 * else is an echo of the request as JSON.
 */
export async function startHttp2Origin(options: Http2OriginOptions = {}): Promise<Http2Origin> {
  const { name = "h2", tls, settings = {}, goAwayAfter = 0 } = options;
  const server =
    tls === undefined
      ? http2.createServer({ settings })
      : (http2.createSecureServer({ settings, ...tls }) as unknown as http2.Http2Server);
  const open = new Set<http2.ServerHttp2Session>();
  const origin = {
    server,
    open,
    sessions: 0,
    requests: [] as http2.IncomingHttpHeaders[],
    most: 0,
    resets: [] as number[],
  };
  server.on("session", (session) => {
    origin.sessions++;
    open.add(session);
    session.on("error", () => undefined);
    session.on("close", () => open.delete(session));
    let active = 0;
    let requests = 0;
    session.on("stream", (stream, headers) => {
      origin.requests.push(headers);
      origin.most = Math.max(origin.most, ++active);
      stream.on("close", () => {
        active--;
        if (stream.rstCode !== 0) origin.resets.push(stream.rstCode);
      });
      stream.on("error", () => undefined);
      if (options.answer?.(stream, headers) !== true) void answer(name, stream, headers);
      if (++requests === goAwayAfter) session.close();
    });
  });
  server.on("sessionError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    for (const session of open) session.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(origin, { port, address: `127.0.0.1:${port}` });
}

async function answer(
  name: string,
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
): Promise<void> {
  const url = new URL(headers[":path"] ?? "/", "http://origin");
  const [, what, value] = url.pathname.split("/");
  const head = { ":status": 200, "x-server": name };
  if (what === "bytes") {
    const size = Number(value);
    stream.respond({ ...head, ...(url.searchParams.has("chunked") ? {} : { "content-length": size }) });
    if (headers[":method"] === "HEAD") stream.end();
    else payload(size).pipe(stream);
    return;
  }
  if (what === "mirror") {
    stream.respond(head);
    stream.pipe(stream);
    return;
  }
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on("trailers", (fields) => (trailers = fields));
  const body = await digest(stream).catch(() => undefined);
  if (body === undefined || stream.destroyed) return;
  if (what === "slow") await new Promise((resolve) => setTimeout(resolve, Number(value)));
  if (stream.destroyed) return;
  if (what === "hints") stream.additionalHeaders({ ":status": 103, link: "</a.css>; rel=preload" });
  const text = JSON.stringify({ server: name, headers, trailers, body });
  const status = what === "status" ? Number(value) : 200;
  if (what === "trailers") {
    stream.respond({ ...head, ":status": status }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1", "grpc-status": "0" }));
    stream.end(text);
    return;
  }
  stream.respond({ ...head, ":status": status, "content-length": Buffer.byteLength(text) });
  stream.end(text);
}
