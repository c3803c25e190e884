import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { WebSocketServer } from "ws";
import { digest, payload } from "./payload.ts";

/** What `/echo` and every path without a meaning of its own answer with, as JSON. */
export interface Echo {
  /** The origin's name. */
  readonly server: string;
  readonly method: string;
  readonly url: string;
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly rawHeaders: readonly string[];
  readonly body: { readonly length: number; readonly sha256: string };
}

/**
 * A plain Node server to balance over: `/bytes/N` (with `?chunked` without a length), `/slow/MS`, `/status/N`, `/mirror`
 * (sends the body back as it comes), WebSocket echo on any path, and an echo of the request as JSON elsewhere.
 */
export function createNodeOrigin(name: string): Server {
  const server = createServer((request, response) => {
    void answer(name, request, response);
  });
  server.keepAliveTimeout = 60_000;
  const sockets = new WebSocketServer({ server, maxPayload: 64 * 1024 * 1024 });
  sockets.on("connection", (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", () => undefined);
  });
  return server;
}

async function answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.on("error", () => undefined);
  const url = new URL(request.url ?? "/", "http://origin");
  const [, what, value] = url.pathname.split("/");
  response.setHeader("X-Server", name);
  if (what === "bytes") {
    const size = Number(value);
    response.setHeader("Content-Type", "application/octet-stream");
    // Without this Node gives an empty answer a length by itself.
    if (url.searchParams.has("chunked")) response.flushHeaders();
    else response.setHeader("Content-Length", size);
    if (request.method === "HEAD") response.end();
    else payload(size).pipe(response);
    return;
  }
  if (what === "mirror") {
    request.pipe(response);
    return;
  }
  const body = await digest(request).catch(() => undefined);
  if (body === undefined) return;
  if (what === "slow") await new Promise((resolve) => setTimeout(resolve, Number(value)));
  if (what === "status") response.statusCode = Number(value);
  const echo: Echo = {
    server: name,
    method: request.method ?? "",
    url: request.url ?? "",
    version: request.httpVersion,
    headers: request.headers as Record<string, string>,
    rawHeaders: request.rawHeaders,
    body,
  };
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(echo));
}
