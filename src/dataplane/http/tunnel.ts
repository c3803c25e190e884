import type { Timed } from "../timer-wheel.ts";
import { sharedReadBuffer, takeReadBuffer } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { BufferLender } from "./downstream.ts";

/** The client's end of a tunnel: its connection. */
export interface TunnelClient {
  readBuffer: Buffer;
  /** Bytes written that the kernel has not taken. */
  readonly unsent: number;
  readonly needsDrain: boolean;
  write(bytes: Uint8Array): void;
  /** Sends what was written, then the end. */
  endSending(): void;
  /** Ends the connection without ceremony. */
  cut(): void;
}

/** The server's end of a tunnel: the leg of the exchange that asked for it. */
export interface TunnelServer {
  /** The connection has taken all that was sent, so that what was handed over may be overwritten. */
  readonly taken: boolean;
  /** False asks the client to pause. */
  tunnelSend(bytes: Uint8Array): boolean;
  /** The client has sent its last byte. */
  tunnelClientEnded(): void;
}

/** What a connection is after an upgrade: bytes both ways, until one side ends or both are silent for long. */
export class Tunnel implements Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #client: TunnelClient;
  readonly #server: TunnelServer;
  readonly #context: WorkerContext;
  readonly #idleTimeout: number;

  /** @param idleTimeout longest silence of both sides, in ms */
  constructor(client: TunnelClient, server: TunnelServer, context: WorkerContext, idleTimeout: number) {
    this.#client = client;
    this.#server = server;
    this.#context = context;
    this.#idleTimeout = idleTimeout;
    this.deadline = context.now + idleTimeout;
    context.wheel.arm(this);
  }

  /** The client has sent buffer[from, length). False asks it to pause. */
  fromClient(buffer: Buffer, from: number, length: number): boolean {
    const shared = buffer === sharedReadBuffer;
    this.deadline = this.#context.now + this.#idleTimeout;
    const goOn = this.#server.tunnelSend(
      shared ? Buffer.from(buffer.subarray(from, length)) : buffer.subarray(from, length),
    );
    if (!shared && !this.#server.taken) this.#client.readBuffer = takeReadBuffer();
    return goOn;
  }

  /** The server has sent these bytes, which lie in a buffer of `lender`. False asks it to pause. */
  fromServer(bytes: Buffer, lender: BufferLender): boolean {
    this.deadline = this.#context.now + this.#idleTimeout;
    this.#client.write(bytes);
    if (this.#client.unsent > 0) lender.replaceBuffer();
    return !this.#client.needsDrain;
  }

  /** The client has sent its last byte. */
  clientEnded(): void {
    this.#server.tunnelClientEnded();
  }

  /** The server has sent its last byte. */
  serverEnded(): void {
    this.#client.endSending();
  }

  /** One of the two connections is gone. */
  over(): void {
    this.#context.wheel.disarm(this);
  }

  onDeadline(): void {
    this.#client.cut();
  }
}
