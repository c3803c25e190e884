import type net from "node:net";
import { Http2Connection } from "../../../src/http2/connection.ts";
import type { Http2ConnectionOptions, Http2Owner, Http2Stream, StreamUser } from "../../../src/http2/peer.ts";
import { defaults } from "./recorded-connection.ts";

/** The limits that listeners have by default: no proper peer must come near them. */
const limits = {
  maxResets: 100,
  maxPings: 100,
  maxSettings: 20,
  maxContinuations: 8,
  maxEmptyFrames: 100,
  maxQueuedReplies: 256,
};

/** A connection under test on a real socket, as the data plane drives one. */
export class SocketPeer implements Http2Owner {
  readonly connection: Http2Connection;
  readonly socket: net.Socket;
  private readonly accept: (stream: Http2Stream, connection: Http2Connection) => StreamUser;
  private scheduled = false;
  private heard: () => void = () => {};
  /** The other side's SETTINGS has come: before, more streams may be opened than it takes. */
  readonly settings = new Promise<void>((resolve) => {
    this.heard = resolve;
  });
  /** What went wrong, and what the other side has said. */
  readonly errors: string[] = [];

  constructor(
    socket: net.Socket,
    role: "server" | "client",
    accept: (stream: Http2Stream, connection: Http2Connection) => StreamUser,
    options: Partial<Http2ConnectionOptions> = {},
  ) {
    this.socket = socket;
    this.accept = accept;
    this.connection = new Http2Connection(
      { ...defaults, maxConcurrentStreams: 200, limits, now: () => performance.now(), ...options, role },
      this,
    );
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.connection.receive(bytes as Buffer, 0, bytes.length));
    socket.on("error", (error) => this.errors.push(error.message));
    socket.on("close", () => this.connection.socketClosed());
    socket.on("drain", () => {
      this.connection.blocked = false;
      this.flush();
    });
    this.connection.start();
  }

  onStream(stream: Http2Stream): StreamUser {
    return this.accept(stream, this.connection);
  }

  onOutput(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    queueMicrotask(() => this.flush());
  }

  private flush(): void {
    this.scheduled = false;
    if (this.socket.destroyed) return;
    for (;;) {
      if (this.connection.blocked) return;
      const bytes = this.connection.takeOutput();
      if (bytes === null) break;
      const more = this.socket.write(bytes, () => this.connection.recycle(bytes));
      if (!more) this.connection.blocked = true;
    }
    if (this.connection.over) this.socket.end();
  }

  onSettings(): void {
    this.heard();
  }

  onGoAway(last: number, code: number): void {
    if (code !== 0) this.errors.push(`GOAWAY ${last} ${code}`);
  }

  onPong(): void {}

  onConnectionError(code: number, reason: string): void {
    this.errors.push(`${code}: ${reason}`);
  }
}

/** Listens on a free port and returns it. */
export function listen(server: net.Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port));
  });
}
