import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { atEnd } from "./cleanup.ts";
import { waitFor } from "./wait.ts";

/** A request as the origin framed it. Text is latin1. */
export interface OriginRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** The head's lines without the request line. */
  readonly lines: readonly string[];
  /** First value of each field; names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly head: string;
  /** The body without its framing. */
  readonly body: Buffer;
  readonly trailers: string;
}

/** What the origin does with a whole request. Strings are written as latin1. */
export type OriginScript = (request: OriginRequest, connection: OriginConnection) => unknown;

/** One connection that the proxy made. It keeps each byte that came over it. */
export class OriginConnection {
  readonly socket: Socket;
  readonly number: number;
  /** Requests that came whole. */
  readonly requests: OriginRequest[] = [];
  private parts: Buffer[] = [];
  /** What came after the last whole request. */
  private tail: Buffer = Buffer.alloc(0);
  closed = false;
  /** Set when what came is no HTTP: a proxy must never do that. */
  garbage: string | undefined;

  constructor(socket: Socket, number: number) {
    this.socket = socket;
    this.number = number;
  }

  get bytes(): Buffer {
    if (this.parts.length > 1) this.parts = [Buffer.concat(this.parts)];
    return this.parts[0] ?? Buffer.alloc(0);
  }

  /** Everything that came, as latin1. */
  get text(): string {
    return this.bytes.toString("latin1");
  }

  /** What came after the last whole request. */
  get rest(): string {
    return this.tail.toString("latin1");
  }

  send(data: string | Uint8Array): void {
    if (this.socket.writable) this.socket.write(typeof data === "string" ? Buffer.from(data, "latin1") : data);
  }

  end(data?: string | Uint8Array): void {
    if (data !== undefined) this.send(data);
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Takes bytes in and returns the requests that became whole. */
  take(data: Buffer): OriginRequest[] {
    this.parts.push(data);
    this.tail = this.tail.length === 0 ? data : Buffer.concat([this.tail, data]);
    const whole: OriginRequest[] = [];
    for (;;) {
      const framed = frame(this.tail);
      if (framed === undefined) return whole;
      if (typeof framed === "string") {
        this.garbage ??= framed;
        return whole;
      }
      this.tail = this.tail.subarray(framed.size);
      this.requests.push(framed.request);
      whole.push(framed.request);
    }
  }
}

/** A TCP server that records every byte and answers by script. */
export class RawOrigin {
  readonly connections: OriginConnection[] = [];
  readonly server: Server;
  script: OriginScript;
  /** Called for each new connection, before any byte of it. */
  onConnection: ((connection: OriginConnection) => unknown) | undefined;
  /** Called for each piece that came, before it is looked at. */
  onData: ((connection: OriginConnection, data: Buffer) => unknown) | undefined;

  constructor(script: OriginScript) {
    this.script = script;
    this.server = createServer({ noDelay: true }, (socket) => this.accept(socket));
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `${(this.server.address() as AddressInfo).address}:${this.port}`;
  }

  /** Every whole request so far, in the order of their connections. */
  get requests(): OriginRequest[] {
    return this.connections.flatMap((connection) => connection.requests);
  }

  get open(): number {
    return this.connections.filter((connection) => !connection.closed).length;
  }

  /** All bytes of all connections, latin1. */
  get text(): string {
    return this.connections.map((connection) => connection.text).join("");
  }

  /** Forgets the connections that are closed; the open ones stay. */
  forget(): void {
    this.connections.splice(0, this.connections.length, ...this.connections.filter((connection) => !connection.closed));
  }

  listen(port = 0, host = "127.0.0.1"): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, resolve);
    });
  }

  /** Waits for the given number of whole requests in all. */
  async waitForRequests(count: number, timeout = 10_000): Promise<OriginRequest[]> {
    return waitFor(`${count} requests at the origin`, () => this.requests.length >= count && this.requests, timeout);
  }

  /** Refuses new connections and resets the open ones. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.socket.resetAndDestroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private accept(socket: Socket): void {
    const connection = new OriginConnection(socket, this.connections.length);
    this.connections.push(connection);
    socket.on("error", () => undefined);
    socket.on("close", () => (connection.closed = true));
    socket.on("data", (data) => {
      this.onData?.(connection, data);
      for (const request of connection.take(data)) this.script(request, connection);
    });
    this.onConnection?.(connection);
  }
}

/** Answers everything with a small 200 that keeps the connection. */
export const answerOk: OriginScript = (request, connection) => {
  connection.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${request.method === "HEAD" ? "" : "ok"}`);
};

/** Starts a scripted origin; it is stopped by itself when the test ends. */
export async function startRawOrigin(script: OriginScript = answerOk, port = 0, host?: string): Promise<RawOrigin> {
  const origin = new RawOrigin(script);
  await origin.listen(port, host);
  atEnd(() => origin.stop());
  return origin;
}

interface Framed {
  readonly request: OriginRequest;
  readonly size: number;
}

/** One request from the front of the bytes; undefined when it is not whole yet; a string says what is wrong. */
function frame(bytes: Buffer): Framed | string | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end + 4);
  const [requestLine, ...lines] = head.slice(0, -4).split("\r\n");
  const start = /^([^ ]+) ([^ ]+) (HTTP\/1\.[01])$/.exec(requestLine);
  if (start === null) return `bad request line ${JSON.stringify(requestLine)}`;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) return `bad field line ${JSON.stringify(line)}`;
    headers[line.slice(0, colon).toLowerCase()] ??= line.slice(colon + 1).trim();
  }
  const common = { method: start[1], target: start[2], version: start[3], lines, headers, head };
  if (headers["transfer-encoding"] !== undefined) {
    const chunked = frameChunked(bytes, end + 4);
    if (chunked === undefined || typeof chunked === "string") return chunked;
    return { request: { ...common, body: chunked.body, trailers: chunked.trailers }, size: chunked.size };
  }
  const length = Number(headers["content-length"] ?? 0);
  if (bytes.length < end + 4 + length) return undefined;
  const body = bytes.subarray(end + 4, end + 4 + length);
  return { request: { ...common, body, trailers: "" }, size: end + 4 + length };
}

function frameChunked(
  bytes: Buffer,
  start: number,
): { body: Buffer; trailers: string; size: number } | string | undefined {
  const parts: Buffer[] = [];
  let at = start;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString("latin1", at, lineEnd);
    if (!/^[0-9a-fA-F]+$/.test(line)) return `bad chunk-size line ${JSON.stringify(line)}`;
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    if (bytes.length < at + size + 2) return undefined;
    parts.push(bytes.subarray(at, at + size));
    at += size + 2;
  }
  const trailersStart = at;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    if (lineEnd === at) {
      return { body: Buffer.concat(parts), trailers: bytes.toString("latin1", trailersStart, at), size: at + 2 };
    }
    at = lineEnd + 2;
  }
}
