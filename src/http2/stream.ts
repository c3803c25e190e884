import type { ReceiveWindow } from "./flow-window.ts";
import type { Http2Stream, StreamUser } from "./peer.ts";
import { DEFAULT_PRIORITY, isIncremental, parsePriority, urgencyOf } from "./priority.ts";
import { SendQueue } from "./send-queue.ts";

/** What a stream's methods need of its connection. */
export interface StreamHost {
  sendHead(stream: ConnectionStream, end: boolean): void;
  sendData(stream: ConnectionStream, bytes: Uint8Array, end: boolean, from: number, to: number): void;
  consumed(stream: ConnectionStream, bytes: number): void;
  resetStream(stream: ConnectionStream, code: number, provoked: boolean): void;
  releaseStream(stream: ConnectionStream): void;
  /** Its urgency or incrementality has changed. */
  reprioritized(stream: ConnectionStream): void;
}

/** Holds the place of the user until there is one. */
const NOBODY: StreamUser = { onHead() {}, onData() {}, onReset() {}, onDrain() {}, onSent() {} };

const NO_BYTES = new Uint8Array(0);

/** A stream and all that the connection knows of it (RFC 9113 5.1). */
export class ConnectionStream implements Http2Stream {
  id: number;
  user: StreamUser = NOBODY;
  private readonly host: StreamHost;

  /** The peer has sent END_STREAM. */
  remoteEnded = false;
  /** The user has given the end, and END_STREAM has gone into the output. */
  localEnded = false;
  endSent = false;
  closed = false;
  released = false;
  /** A head other than a 1xx has come: what follows is a body and trailers. */
  headReceived = false;

  expectedLength = -1;
  receivedLength = 0;
  readonly receiveWindow: ReceiveWindow;
  /** Content that was received and is neither consumed nor credited. */
  outstanding = 0;

  sendWindow: number;
  readonly queue = new SendQueue();
  /** What ends the stream behind the queue, if the user has given the end: trailers, or null for a flag on the last bytes. */
  trailers: Buffer | null = null;
  needsDrain = false;
  /** `onDrain` is due. */
  drained = false;
  /** Position in the connection's output of its first frame; -1 before. */
  headAt = -1;

  urgency = DEFAULT_PRIORITY;
  incremental = false;
  /** The peer has said so by PRIORITY_UPDATE. */
  priorityFixed = false;
  /** Place in the scheduler: its list, neighbours there, and bytes sent in this turn. */
  scheduledAt = -1;
  nextScheduled: ConnectionStream | null = null;
  previousScheduled: ConnectionStream | null = null;
  sentInTurn = 0;

  /** Neighbours among all streams of the connection. */
  next: ConnectionStream | null = null;
  previous: ConnectionStream | null = null;

  constructor(host: StreamHost, id: number, sendWindow: number, receiveWindow: ReceiveWindow) {
    this.host = host;
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get unsent(): number {
    return this.queue.length;
  }

  get waitsForTurn(): boolean {
    return this.queue.length > 0 && this.sendWindow > 0;
  }

  get sendingEnded(): boolean {
    return this.localEnded || this.closed;
  }

  setPriority(urgency: number, incremental: boolean): void {
    if (urgency === this.urgency && incremental === this.incremental) return;
    this.urgency = urgency;
    this.incremental = incremental;
    this.host.reprioritized(this);
  }

  setPriorityField(value: string): void {
    if (this.priorityFixed) return;
    const priority = parsePriority(value);
    this.setPriority(urgencyOf(priority), isIncremental(priority));
  }

  sendHead(end: boolean): void {
    this.host.sendHead(this, end);
  }

  sendData(bytes: Uint8Array, end: boolean, from = 0, to = bytes.length): void {
    this.host.sendData(this, bytes, end, from, to);
  }

  sendEnd(): void {
    this.host.sendData(this, NO_BYTES, true, 0, 0);
  }

  consumed(bytes: number): void {
    this.host.consumed(this, bytes);
  }

  reset(code: number, provoked = false): void {
    this.host.resetStream(this, code, provoked);
  }

  release(): void {
    this.host.releaseStream(this);
  }
}
