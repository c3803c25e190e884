import { createHash } from "node:crypto";
import http2 from "node:http2";
import net from "node:net";
import type { Http2Connection } from "../../../src/http2/connection.ts";
import type { FieldList } from "../../../src/http2/field-list.ts";
import type { Http2ConnectionOptions, Http2Stream, StreamUser } from "../../../src/http2/peer.ts";
import { listen, SocketPeer } from "./socket-peer.ts";

/*
 * The same exchanges by two implementations in each role: the connection under test on a socket, and node:http2. What a
 * client has seen is an `Answer`, which must not depend on who was at either end.
 */

/** What one exchange is to be. */
export interface Ask {
  headers: Record<string, string>;
  body: Buffer;
  trailers: Record<string, string>;
  /** Bytes of the answer's body. */
  answerLength: number;
  answerTrailers: boolean;
  /** The server resets the stream with that code instead of answering, or -1. */
  reset: number;
}

/** What has come of it. */
export interface Answer {
  status: string;
  /** Fields that the server has set: what it has seen of the request. */
  seen: Record<string, string>;
  body: string;
  trailers: Record<string, string>;
  error: string;
}

export interface ExchangeClient {
  ask(ask: Ask): Promise<Answer>;
  close(): void;
}

const digest = (bytes: readonly Buffer[]): string => createHash("sha1").update(Buffer.concat(bytes)).digest("hex");

/** Bytes of an answer's body. */
const pattern = (length: number): Buffer => Buffer.alloc(length, "the quick brown fox ");

/** Header fields that tell the server what to answer. */
function requestHeaders({ headers, answerLength, answerTrailers, reset }: Ask): Record<string, string> {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":authority": "example.com",
    ":path": "/exchange",
    ...headers,
    "x-answer": `${answerLength} ${answerTrailers ? 1 : 0} ${reset}`,
  };
}

/** What a server says about a request that is complete. */
function answerHeaders(headers: Record<string, string>, body: readonly Buffer[], trailers: Record<string, string>) {
  const own = Object.entries(headers).filter(([name]) => /^x-[0-9]/.test(name));
  return {
    ":status": "200",
    "x-body": digest(body),
    "x-fields": JSON.stringify(own.sort()),
    "x-trailers": JSON.stringify(Object.entries(trailers).sort()),
  };
}

function toRecord(fields: FieldList): Record<string, string> {
  return Object.fromEntries(fields.fields.slice(0, fields.count).map(({ name, value }) => [name, value]));
}

function sendHead(
  connection: Http2Connection,
  stream: Http2Stream,
  fields: Record<string, string>,
  end: boolean,
): void {
  const { encoder } = connection;
  encoder.begin();
  for (const [name, value] of Object.entries(fields)) encoder.field(name, value);
  stream.sendHead(end);
}

/** Sends a body with backpressure, then trailers if there are some. */
class BodySender {
  private readonly connection: Http2Connection;
  private readonly stream: Http2Stream;
  private readonly body: Buffer;
  private readonly trailers: Record<string, string>;
  private at = 0;

  constructor(connection: Http2Connection, stream: Http2Stream, body: Buffer, trailers: Record<string, string>) {
    this.connection = connection;
    this.stream = stream;
    this.body = body;
    this.trailers = trailers;
  }

  send(): void {
    const { body, stream } = this;
    const trailers = Object.entries(this.trailers);
    while (!stream.sendingEnded && !stream.needsDrain) {
      const to = Math.min(body.length, this.at + 30_000);
      stream.sendData(body, to === body.length && trailers.length === 0, this.at, to);
      this.at = to;
      if (to < body.length || trailers.length === 0) continue;
      const { encoder } = this.connection;
      encoder.begin(true);
      for (const [name, value] of trailers) encoder.field(name, value);
      stream.sendHead(true);
    }
  }
}

/** One stream's head, body and trailers, and who is told when they are complete. */
class Collector implements StreamUser {
  private readonly stream: () => Http2Stream;
  private readonly done: (collector: Collector, error: string) => void;
  headers: Record<string, string> = {};
  trailers: Record<string, string> = {};
  readonly body: Buffer[] = [];
  sender: BodySender | undefined;
  private headSeen = false;

  constructor(stream: () => Http2Stream, done: (collector: Collector, error: string) => void) {
    this.stream = stream;
    this.done = done;
  }

  onHead(fields: FieldList, end: boolean): void {
    if (this.headSeen) this.trailers = toRecord(fields);
    else this.headers = toRecord(fields);
    this.headSeen = true;
    if (end) this.done(this, "");
  }

  onData(buffer: Buffer, from: number, to: number, end: boolean): void {
    this.body.push(Buffer.from(buffer.subarray(from, to)));
    this.stream().consumed(to - from);
    if (end) this.done(this, "");
  }

  onReset(code: number): void {
    this.done(this, `reset ${code}`);
  }

  onDrain(): void {
    this.sender?.send();
  }

  onSent(): void {
    this.stream().release();
  }
}

function answerOf(headers: Record<string, string>, body: readonly Buffer[], trailers: Record<string, string>): Answer {
  const seen = Object.fromEntries(["x-body", "x-fields", "x-trailers"].map((name) => [name, headers[name] ?? ""]));
  return { status: headers[":status"] ?? "", seen, body: digest(body), trailers, error: "" };
}

/** Without what node:http2 adds under symbols. */
function plain(fields: http2.IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

const failed = (error: string): Answer => ({ status: "", seen: {}, body: "", trailers: {}, error });

/** Answers a request, once it is complete, as its `x-answer` says. */
function answerStream(stream: Http2Stream, connection: Http2Connection): StreamUser {
  return new Collector(
    () => stream,
    (collector, error) => {
      if (error !== "") return stream.release();
      const [length, trailers, reset] = (collector.headers["x-answer"] ?? "0 0 -1").split(" ").map(Number);
      if (reset >= 0) {
        stream.reset(reset);
        return stream.release();
      }
      const head = answerHeaders(collector.headers, collector.body, collector.trailers);
      sendHead(connection, stream, head, length === 0 && trailers === 0);
      collector.sender = new BodySender(connection, stream, pattern(length), trailers === 1 ? { "x-end": "1" } : {});
      collector.sender.send();
    },
  );
}

/** A server of the connection under test. */
export async function ourServer(options: Partial<Http2ConnectionOptions>): Promise<{ port: number; close(): void }> {
  const peers = new Set<SocketPeer>();
  const server = net.createServer((socket) => {
    peers.add(new SocketPeer(socket, "server", answerStream, options));
  });
  const port = await listen(server);
  return {
    port,
    close() {
      server.close();
      for (const { socket } of peers) socket.destroy();
    },
  };
}

function noServerStreams(): never {
  throw new Error("a server has opened a stream");
}

/** A client of the connection under test. */
export async function ourClient(port: number, options: Partial<Http2ConnectionOptions>): Promise<ExchangeClient> {
  const socket = net.connect(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const peer = new SocketPeer(socket, "client", noServerStreams, options);
  const { connection } = peer;
  await peer.settings;
  const waiting: (() => void)[] = [];
  const begin = (one: Ask, resolve: (answer: Answer) => void): void => {
    let stream: Http2Stream | null = null;
    const collector = new Collector(
      () => stream!,
      ({ headers, body, trailers }, error) => {
        resolve(error === "" ? answerOf(headers, body, trailers) : failed(error));
        waiting.shift()?.();
      },
    );
    stream = connection.openStream(collector);
    if (stream === null) {
      waiting.push(() => begin(one, resolve));
      return;
    }
    const bodyless = one.body.length === 0 && Object.keys(one.trailers).length === 0;
    sendHead(connection, stream, requestHeaders(one), bodyless);
    collector.sender = new BodySender(connection, stream, one.body, one.trailers);
    collector.sender.send();
  };
  return {
    ask: (one) => new Promise((resolve) => begin(one, resolve)),
    close: () => socket.destroy(),
  };
}

/** A server of node:http2. */
export async function nodeServer(settings: http2.Settings): Promise<{ port: number; close(): void }> {
  const server = http2.createServer({ settings });
  const sessions = new Set<http2.ServerHttp2Session>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const body: Buffer[] = [];
    let trailers: Record<string, string> = {};
    stream.on("error", () => {});
    stream.on("data", (bytes: Buffer) => body.push(bytes));
    stream.on("trailers", (fields) => {
      trailers = plain(fields);
    });
    stream.on("end", () => {
      const [length, withTrailers, reset] = String(headers["x-answer"]).split(" ").map(Number);
      if (reset >= 0) return stream.close(reset);
      const head = answerHeaders(headers as Record<string, string>, body, trailers);
      stream.respond(head, { waitForTrailers: withTrailers === 1, endStream: length === 0 && withTrailers === 0 });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "1" }));
      if (length > 0 || withTrailers === 1) stream.end(pattern(length));
    });
  });
  const port = await listen(server as unknown as net.Server);
  return {
    port,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

/** A client of node:http2. */
export async function nodeClient(port: number, settings: http2.Settings): Promise<ExchangeClient> {
  const session = http2.connect(`http://127.0.0.1:${port}`, { settings });
  await new Promise((resolve, reject) => session.once("remoteSettings", resolve).once("error", reject));
  return {
    ask: (one) =>
      new Promise((resolve) => {
        const withTrailers = Object.keys(one.trailers).length > 0;
        const stream = session.request(requestHeaders(one), {
          endStream: one.body.length === 0 && !withTrailers,
          waitForTrailers: withTrailers,
        });
        let headers: Record<string, string> = {};
        let trailers: Record<string, string> = {};
        const body: Buffer[] = [];
        stream.on("wantTrailers", () => stream.sendTrailers(one.trailers));
        stream.on("response", (fields) => {
          headers = plain(fields);
        });
        stream.on("trailers", (fields) => {
          trailers = plain(fields);
        });
        stream.on("data", (bytes: Buffer) => body.push(bytes));
        stream.on("error", () => {});
        stream.on("close", () => {
          const code = stream.rstCode ?? 0;
          resolve(code === 0 ? answerOf(headers, body, trailers) : failed(`reset ${code}`));
        });
        if (one.body.length > 0 || withTrailers) stream.end(one.body);
      }),
    close: () => session.destroy(),
  };
}
