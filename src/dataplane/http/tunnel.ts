import { closeFrame, GOING_AWAY } from "../../core/websocket/close-frame.ts";
import { FrameTracker } from "../../core/websocket/frame-tracker.ts";
import type { Timed } from "../timer-wheel.ts";
import { sharedReadBuffer, takeReadBuffer } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { BufferLender } from "./buffer-lender.ts";

/**
 * How long a tunnel that must end waits, in ms: for the end of a frame that is on its way, and for both sides to confirm
 * the Close frame that was put behind it.
 */
export const TUNNEL_CLOSE_GRACE = 2000;
/** How long both sides may then take to end their sending halves, in ms. What they still send is dropped. */
const END_GRACE = 2000;
const REASON = "going away";

/** The client's end of a tunnel: its connection. */
export interface TunnelClient {
  readBuffer: Buffer;
  /** Bytes written that the kernel has not taken. */
  readonly unsent: number;
  readonly needsDrain: boolean;
  write(bytes: Uint8Array): void;
  /** Reads go on, if they were paused. */
  resumeReading(): void;
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
  /** Reads from the server go on, if they were paused. */
  resume(): void;
  /** The client has sent its last byte. */
  tunnelClientEnded(): void;
}

/** Bytes pass, both ways. */
const OPEN = 0;
/** The tunnel must end: each direction gets a Close frame at its next boundary. */
const CLOSING = 1;
/** Both sending halves were ended; what still comes is dropped. */
const ENDING = 2;
/** One of the connections is gone, and the other one is no longer this tunnel's business. */
const OVER = 3;

/**
 * What a connection is after an upgrade: bytes both ways, until one side ends, both are silent for long, or `close` ends
 * it in the way of its protocol. It knows that of WebSocket: a Close frame 1001 to both sides, each at a boundary of
 * frames (RFC 6455 section 7). Of any other protocol it knows only that a stream has an end.
 */
export class Tunnel implements Timed {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #client: TunnelClient;
  readonly #server: TunnelServer;
  readonly #context: WorkerContext;
  readonly #idleTimeout: number;
  /** The frames of each side; null when the protocol is not WebSocket. */
  readonly #clientFrames: FrameTracker | null;
  readonly #serverFrames: FrameTracker | null;
  #state = OPEN;
  /** The side has sent its last byte. */
  #clientEnded = false;
  #serverEnded = false;
  /** Nothing that the side sends is passed on any more. */
  #clientMuted = false;
  #serverMuted = false;

  /**
   * @param webSocket whether the bytes are WebSocket frames
   * @param idleTimeout longest silence of both sides, in ms
   */
  constructor(
    client: TunnelClient,
    server: TunnelServer,
    context: WorkerContext,
    webSocket: boolean,
    idleTimeout: number,
  ) {
    this.#client = client;
    this.#server = server;
    this.#context = context;
    this.#idleTimeout = idleTimeout;
    this.#clientFrames = webSocket ? new FrameTracker(true) : null;
    this.#serverFrames = webSocket ? new FrameTracker(false) : null;
    this.#wait(idleTimeout);
  }

  /** `close` was called: the two sides need not be told anything more. */
  get closing(): boolean {
    return this.#state === CLOSING || this.#state === ENDING;
  }

  /** The client has sent buffer[from, length). False asks it to pause. */
  fromClient(buffer: Buffer, from: number, length: number): boolean {
    const frames = this.#clientFrames;
    let to = length;
    if (this.#state === OPEN) {
      this.deadline = this.#context.now + this.#idleTimeout;
      frames?.advance(buffer, from, length, false);
    } else {
      to = this.#pass(frames, this.#clientMuted, buffer, from, length);
    }
    let goOn = true;
    if (to > from) {
      const shared = buffer === sharedReadBuffer;
      goOn = this.#server.tunnelSend(shared ? Buffer.from(buffer.subarray(from, to)) : buffer.subarray(from, to));
      if (!shared && !this.#server.taken) this.#client.readBuffer = takeReadBuffer();
    }
    if (this.#state === CLOSING) {
      this.#closeTowardsServer();
      this.#endIfDone();
    }
    return goOn || this.#clientMuted;
  }

  /** The server has sent these bytes, which lie in a buffer of `lender`. False asks it to pause. */
  fromServer(bytes: Buffer, lender: BufferLender): boolean {
    const frames = this.#serverFrames;
    let to = bytes.length;
    if (this.#state === OPEN) {
      this.deadline = this.#context.now + this.#idleTimeout;
      frames?.advance(bytes, 0, to, false);
    } else {
      to = this.#pass(frames, this.#serverMuted, bytes, 0, to);
    }
    if (to > 0) {
      this.#client.write(to === bytes.length ? bytes : bytes.subarray(0, to));
      if (this.#client.unsent > 0) lender.replaceBuffer();
    }
    if (this.#state === CLOSING) {
      this.#closeTowardsClient();
      this.#endIfDone();
    }
    return !this.#client.needsDrain || this.#serverMuted;
  }

  /** The client has sent its last byte. */
  clientEnded(): void {
    this.#clientEnded = true;
    if (this.#state === OPEN) return this.#server.tunnelClientEnded();
    if (this.#state !== CLOSING) return;
    this.#closeTowardsServer();
    this.#endIfDone();
  }

  /** The server has sent its last byte. */
  serverEnded(): void {
    this.#serverEnded = true;
    if (this.#state === OPEN) return this.#client.endSending();
    if (this.#state !== CLOSING) return;
    this.#closeTowardsClient();
    this.#endIfDone();
  }

  /** The tunnel must end: in the way of its protocol if that is possible soon, by the ends of both streams otherwise. */
  close(): void {
    if (this.#state !== OPEN) return;
    this.#state = CLOSING;
    this.#wait(TUNNEL_CLOSE_GRACE);
    this.#closeTowardsServer();
    this.#closeTowardsClient();
    this.#endIfDone();
  }

  /** One of the two connections is gone. */
  over(): void {
    this.#state = OVER;
    this.#context.wheel.disarm(this);
  }

  onDeadline(): void {
    if (this.#state === CLOSING) this.#end();
    else this.#client.cut();
  }

  /** Where what is still passed on ends, of bytes[from, to): at the first boundary; at once if the side is muted. */
  #pass(frames: FrameTracker | null, muted: boolean, bytes: Buffer, from: number, to: number): number {
    if (!muted) return frames === null ? to : frames.advance(bytes, from, to, true);
    // Dropped, but for knowing when the side has confirmed the end.
    frames?.advance(bytes, from, to, false);
    return from;
  }

  /** Puts a Close frame behind the client's last whole frame, unless the client has sent one itself. */
  #closeTowardsServer(): void {
    const frames = this.#clientFrames;
    if (this.#clientMuted) return;
    if (frames !== null && !frames.atBoundary && !frames.lost && !this.#clientEnded) return;
    this.#clientMuted = true;
    if (frames?.atBoundary && !frames.closed && !this.#clientEnded)
      this.#server.tunnelSend(closeFrame(GOING_AWAY, REASON, this.#context.random() * 2 ** 32));
    // Nothing is passed on any more, so nothing has to be waited for.
    this.#client.resumeReading();
  }

  #closeTowardsClient(): void {
    const frames = this.#serverFrames;
    if (this.#serverMuted) return;
    if (frames !== null && !frames.atBoundary && !frames.lost && !this.#serverEnded) return;
    this.#serverMuted = true;
    if (frames?.atBoundary && !frames.closed && !this.#serverEnded) this.#client.write(closeFrame(GOING_AWAY, REASON));
    this.#server.resume();
  }

  /** Ends both streams once each side has got its Close frame and confirmed it, or cannot. */
  #endIfDone(): void {
    if (!this.#clientMuted || !this.#serverMuted) return;
    if (confirmed(this.#clientFrames, this.#clientEnded) && confirmed(this.#serverFrames, this.#serverEnded))
      this.#end();
  }

  #end(): void {
    this.#state = ENDING;
    this.#clientMuted = this.#serverMuted = true;
    this.#wait(END_GRACE);
    this.#client.resumeReading();
    this.#server.resume();
    // The client's end may end everything, so it comes last.
    this.#server.tunnelClientEnded();
    this.#client.endSending();
  }

  #wait(time: number): void {
    this.deadline = this.#context.now + time;
    this.#context.wheel.arm(this);
  }
}

/** Whether nothing more is to be expected from a side that was told that the tunnel ends. */
function confirmed(frames: FrameTracker | null, ended: boolean): boolean {
  return ended || frames === null || frames.closed || frames.lost;
}
