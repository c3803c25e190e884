import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { FieldList } from "../../src/http2/field-list.ts";
import { HpackDecoder } from "../../src/http2/hpack/decoder.ts";
import { atEnd } from "./cleanup.ts";
import { frame, FrameTypes, settings } from "./http2-frames.ts";
import { waitFor, within } from "./wait.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** What has come on one stream. */
export interface RawStream {
  status: number;
  /** Names in lower case; of repeated ones the last. */
  headers: Record<string, string>;
  body: Buffer;
  ended: boolean;
  /** Code of RST_STREAM. */
  reset: number | undefined;
}

/** How to connect. */
export interface Http2RawOptions {
  /** With TLS and these options (ALPN `h2` unless they say otherwise), else over TCP. */
  readonly tls?: ConnectionOptions;
  /** Values of the first SETTINGS: identifiers and values in turn. */
  readonly settings?: readonly number[];
  /** Sends neither preface nor SETTINGS by itself, and acknowledges nothing. */
  readonly bare?: boolean;
  /** Acknowledges the server's SETTINGS; true unless it says otherwise. */
  readonly acknowledges?: boolean;
  readonly localAddress?: string;
}

/** A client of HTTP/2 that sends exactly the frames that a test says, whether they are allowed or not, and reads what comes. */
export class Http2Raw {
  readonly socket: Socket;
  /** Frames that came: type, flags, stream and payload. */
  readonly frames: { type: number; flags: number; stream: number; payload: Buffer }[] = [];
  readonly streams = new Map<number, RawStream>();
  /** The last GOAWAY: its code and its text. */
  goAway: { code: number; last: number; text: string } | undefined;
  ending: "end" | "reset" | undefined;
  private readonly decoder = new HpackDecoder(4096);
  private readonly acknowledges: boolean;
  private pending = Buffer.alloc(0);
  private readonly over: Promise<void>;

  private constructor(socket: Socket, acknowledges: boolean) {
    this.socket = socket;
    this.acknowledges = acknowledges;
    socket.setNoDelay(true);
    socket.on("data", (data: Buffer) => this.take(data));
    socket.on("end", () => (this.ending ??= "end"));
    socket.on("error", () => (this.ending ??= "reset"));
    this.over = new Promise((resolve) => {
      socket.on("close", () => {
        this.ending ??= "end";
        resolve();
      });
    });
  }

  /** Connects to a port of the loopback address, and exchanges preface and SETTINGS unless it is `bare`. */
  static async connect(port: number, options: Http2RawOptions = {}): Promise<Http2Raw> {
    const { tls, localAddress, bare = false, acknowledges = !bare } = options;
    const target = { port, host: "127.0.0.1", ...(localAddress !== undefined && { localAddress }) };
    const socket =
      tls === undefined
        ? connectTcp(target)
        : connectTls({ ...target, rejectUnauthorized: false, ALPNProtocols: ["h2"], ...tls });
    await within(
      `a connection to port ${port}`,
      new Promise((resolve, reject) =>
        socket.once(tls === undefined ? "connect" : "secureConnect", resolve as () => void).once("error", reject),
      ),
    );
    const client = new Http2Raw(socket, acknowledges);
    atEnd(() => socket.destroy());
    if (bare) return client;
    void client.send(PREFACE, settings(...(options.settings ?? [])));
    await waitFor("the server's SETTINGS", () => client.frames.length > 0 || client.ending !== undefined);
    return client;
  }

  /** Sends text (latin1) and bytes in one write; resolves when the kernel has them, or when the connection is gone. */
  send(...parts: readonly (string | Uint8Array)[]): Promise<void> {
    const { socket } = this;
    if (socket.destroyed || !socket.writable) return Promise.resolve();
    const bytes = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : part)));
    return new Promise((resolve) => socket.write(bytes, () => resolve()));
  }

  /** Sends the same bytes again and again, as fast as they are taken, until the connection ends or so many were sent. */
  async flood(bytes: Uint8Array, times: number): Promise<void> {
    for (let i = 0; i < times && this.ending === undefined && this.socket.writable; i++) {
      const taken = this.send(bytes);
      // A server that reads no more would hold the test up for ever.
      await Promise.race([taken, this.over]);
    }
  }

  /** The answer on a stream once it is complete or reset. */
  answer(stream: number, timeout = 10_000): Promise<RawStream> {
    return waitFor(
      `the answer on stream ${stream}`,
      () => {
        const found = this.streams.get(stream);
        if (found !== undefined && (found.ended || found.reset !== undefined)) return found;
        if (this.ending !== undefined) throw new Error(`the connection ended before the answer on stream ${stream}`);
        return undefined;
      },
      timeout,
    );
  }

  /** Waits until the other side has ended the connection. */
  async closed(timeout = 10_000): Promise<"end" | "reset"> {
    return waitFor("the proxy to end the connection", () => this.ending, timeout);
  }

  private take(data: Buffer): void {
    let bytes = this.pending.length === 0 ? data : Buffer.concat([this.pending, data]);
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) break;
      this.onFrame(bytes[3]!, bytes[4]!, bytes.readUInt32BE(5), bytes.subarray(9, 9 + length));
      bytes = bytes.subarray(9 + length);
    }
    this.pending = Buffer.from(bytes);
  }

  private onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    this.frames.push({ type, flags, stream: id, payload: Buffer.from(payload) });
    if (type === FrameTypes.settings && (flags & 1) === 0 && this.acknowledges)
      void this.send(frame(FrameTypes.settings, 1, 0));
    if (type === FrameTypes.goAway)
      this.goAway = {
        last: payload.readUInt32BE(0),
        code: payload.readUInt32BE(4),
        text: payload.toString("latin1", 8),
      };
    if (id === 0) return;
    let stream = this.streams.get(id);
    if (stream === undefined) {
      stream = { status: 0, headers: {}, body: Buffer.alloc(0), ended: false, reset: undefined };
      this.streams.set(id, stream);
    }
    if (type === FrameTypes.rstStream) stream.reset = payload.readUInt32BE(0);
    if (type === FrameTypes.data) stream.body = Buffer.concat([stream.body, payload]);
    if (type === FrameTypes.headers) {
      const fields = new FieldList();
      const problem = this.decoder.decode(payload, 0, payload.length, fields);
      if (problem !== null) throw new Error(`a header block of the proxy: ${problem}`);
      for (const { name, value } of fields.fields.slice(0, fields.count)) {
        if (name === ":status") stream.status = Number(value);
        else stream.headers[name] = value;
      }
    }
    if ((type === FrameTypes.data || type === FrameTypes.headers) && (flags & 1) !== 0) stream.ended = true;
  }
}
