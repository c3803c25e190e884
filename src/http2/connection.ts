import { ConnectionState } from "./connection-state.ts";
import { ErrorCode } from "./error-code.ts";
import { FrameReader } from "./frames/frame-reader.ts";
import { INITIAL_WINDOW, MAX_31_BITS } from "./frames/frame-type.ts";
import type { HpackEncoder } from "./hpack/encoder.ts";
import type { Http2ConnectionOptions, Http2Owner, Http2Stream, StreamUser } from "./peer.ts";
import { CLIENT_PREFACE, matchPreface } from "./preface.ts";
import { Receiver } from "./receiver.ts";
import { ownSettings } from "./settings.ts";

/**
 * One HTTP/2 connection (RFC 9113), of the server or of the client role, without I/O: what the socket reads goes into
 * `receive`, and what `takeOutput` returns is to be written. Everything that a peer can do is bounded by
 * `Http2ConnectionOptions`, and nothing that it sends makes a method throw. `receive` and `takeOutput` must not be called
 * from within callbacks; everything else may.
 */
export class Http2Connection {
  private readonly state: ConnectionState;
  private readonly reader: FrameReader;
  private readonly receiver: Receiver;
  /** Bytes of the client's preface that have come; all of them in the client role. */
  private prefaceMatched: number;

  constructor(options: Http2ConnectionOptions, owner: Http2Owner) {
    this.state = new ConnectionState(options, owner);
    this.receiver = new Receiver(this.state);
    this.reader = new FrameReader(this.receiver, options.maxFrameSize);
    this.prefaceMatched = options.role === "server" ? 0 : CLIENT_PREFACE.length;
  }

  /** Puts what has to be sent first into the output: preface, SETTINGS, the connection's window (RFC 9113 3.4). */
  start(): void {
    const { options, sender, isServer } = this.state;
    if (!isServer) sender.output.raw(CLIENT_PREFACE);
    sender.output.settings(ownSettings(options));
    const increment = Math.min(options.connectionWindow, MAX_31_BITS) - INITIAL_WINDOW;
    if (increment > 0) {
      sender.output.windowUpdate(0, increment);
      this.state.credit.window.remaining += increment;
    }
    this.state.turns.announce();
  }

  // ---- bytes

  /** Takes the bytes buffer[from, to) that the peer has sent, cut anywhere. They are used up when this returns. */
  receive(buffer: Buffer, from: number, to: number): void {
    const { state } = this;
    if (state.over) return;
    state.turns.enter();
    try {
      const start = this.prefaceMatched === CLIENT_PREFACE.length ? from : this.receivePreface(buffer, from, to);
      this.reader.read(buffer, start, to);
    } finally {
      state.turns.leave();
      state.turns.announce();
    }
  }

  private receivePreface(buffer: Buffer, from: number, to: number): number {
    const before = this.prefaceMatched;
    const matched = matchPreface(buffer, from, to, before);
    if (matched < 0) {
      this.state.fail(ErrorCode.protocolError, "what the client has sent first is not HTTP/2");
      return to;
    }
    this.prefaceMatched = matched;
    return from + matched - before;
  }

  /**
   * What can be sent now, at most about 64 KiB of it; call it again until it returns null. The buffer is the caller's, and is
   * to be given back by `recycle` once the socket has sent or copied it.
   */
  takeOutput(): Buffer | null {
    return this.state.takeOutput();
  }

  /** Gives a buffer of `takeOutput` back. Forgetting it costs only a new one. */
  recycle(buffer: Buffer): void {
    this.state.sender.output.recycle(buffer);
  }

  /**
   * The owner sets it while the socket does not take more. DATA then waits in the streams. After it was set back,
   * `takeOutput` is to be called until it returns null.
   */
  get blocked(): boolean {
    return this.state.sender.blocked;
  }

  set blocked(blocked: boolean) {
    this.state.sender.blocked = blocked;
  }

  /** `takeOutput` would return something. */
  get hasOutput(): boolean {
    return this.state.sender.hasOutput;
  }

  /** Bytes in the output that were not taken. */
  get pendingBytes(): number {
    return this.state.sender.output.pending;
  }

  /** Bytes of bodies that wait in the streams for the peer's windows or the socket. */
  get queuedBytes(): number {
    return this.state.sender.queuedBytes;
  }

  /** Bytes of bodies that have left their streams so far. */
  get sentBytes(): number {
    return this.state.sender.sentBytes;
  }

  /** For the next head or trailers: `begin`, then fields, then the stream's `sendHead`, without anything else between. */
  get encoder(): HpackEncoder {
    return this.state.sender.encoder;
  }

  // ---- streams

  /** Client role: a new stream; null if the peer allows none now, or there will be none on this connection any more. */
  openStream(user: StreamUser): Http2Stream | null {
    return this.state.openOurs(user);
  }

  /** `openStream` would succeed. */
  get canOpen(): boolean {
    return this.state.canOpen;
  }

  /** Client role: streams that are open. */
  get activeStreams(): number {
    return this.state.streamCount;
  }

  /** Server role: streams that are open, or whose user has not called `release`. */
  get streamCount(): number {
    return this.state.streamCount;
  }

  /** Streams that the peer allows us to have open: 100 until it has said. */
  get peerMaxStreams(): number {
    return this.state.peerMaxStreams;
  }

  /** The peer understands extended CONNECT (RFC 8441). */
  get peerAllowsConnectProtocol(): boolean {
    return this.state.peer.enableConnectProtocol;
  }

  /** Highest stream that the peer has opened; 0 if none. */
  get lastPeerStream(): number {
    return this.state.lastPeerStream;
  }

  /** Last stream of the peer's GOAWAY; Infinity if none has come. */
  get goAwayReceived(): number {
    return this.state.goAwayReceived;
  }

  // ---- the connection

  /** SETTINGS of the peer has come. */
  get settingsReceived(): boolean {
    return this.state.peer.received;
  }

  /** The peer has acknowledged our SETTINGS; how long that may take is for the owner to say (SETTINGS_TIMEOUT). */
  get settingsAcknowledged(): boolean {
    return this.state.settingsAcknowledged;
  }

  /** An error, or the end of the socket: nothing is received any more. */
  get over(): boolean {
    return this.state.over;
  }

  /** Sends a PING; `onPong` tells of its answer. */
  ping(): void {
    if (this.state.over) return;
    this.receiver.control.sendPing();
    this.state.turns.announce();
  }

  /**
   * Tells the peer that no further streams of it will be worked on (RFC 9113 6.8): those above `lastPeerStream` are ignored
   * from now on, the others go on. The connection is for the owner to close, when `streamCount` is 0.
   */
  goAway(code: number = ErrorCode.noError): void {
    this.sendGoAway(this.state.lastPeerStream, code);
  }

  /** The first of the two steps of RFC 9113 6.8: the peer should open no more streams; `goAway` follows a while later. */
  announceShutdown(): void {
    if (this.state.goAwaySent === MAX_31_BITS) this.sendGoAway(MAX_31_BITS, ErrorCode.noError);
  }

  private sendGoAway(last: number, code: number): void {
    const { state } = this;
    if (state.over) return;
    state.goAwaySent = Math.min(last, state.goAwaySent);
    state.sender.output.goAway(state.goAwaySent, code, "");
    state.turns.announce();
  }

  /** The owner gives the connection up, with a GOAWAY that says why: all streams get `onReset`, and nothing is received any more. */
  fail(code: number, reason: string): void {
    this.state.fail(code, reason);
  }

  /** The socket is gone: all streams get `onReset`. */
  socketClosed(): void {
    this.state.socketClosed();
  }
}
