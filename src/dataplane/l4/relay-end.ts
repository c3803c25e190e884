import { HandleSocket } from "../handle-socket.ts";
import {
  giveReadBuffer,
  sharedReadBuffer,
  takeReadBuffer,
  type ConnectingOwner,
  type StreamSocket,
} from "../transport.ts";

/** Reads of this size and more make a connection read into a buffer of its own, whose bytes are handed on as they lie; */
const BULK = 16_384;
/** and shorter ones than this make it go back to the buffer that all share, which costs a copy, but no memory. */
const SMALL = 4_096;

/** Whose connection an end is. */
export interface EndUser {
  /** The connection that was opened is there. */
  onConnect(): void;
  /** Bytes have come before the relay began; as `TransportOwner.onData`. */
  onData(buffer: Buffer, length: number): boolean;
  /** The first bytes since the relay began have come. */
  onFirstData(): void;
  /** The peer has sent its last byte before the relay began. */
  onEnd(): void;
  /** The connection is gone. Called once, after the relay was told. */
  onClose(error: Error | undefined): void;
  onBug(error: unknown): void;
}

/** The relay, as its ends see it. */
export interface EndsRelay {
  /** So many bytes came in at this end. */
  moved(end: RelayEnd, length: number): void;
  /** The end's connection is gone. */
  closed(end: RelayEnd): void;
}

/**
 * One of the two connections of a relay. Before the relay begins, what comes is its user's; then it goes to the other
 * end, as fast as that takes it: while a write has not left, reading pauses. Memory per end: two or three read buffers
 * of 64 KiB while much is passing, and none while little is.
 */
export class RelayEnd implements ConnectingOwner {
  readBuffer: Buffer = sharedReadBuffer;
  /** The peer has sent its last byte. */
  ended = false;
  /** Nothing more is sent to the peer: its own end, or ours. */
  sendingEnded = false;
  /** It was our decision that the connection ends. */
  leaving = false;
  closed = false;
  readonly #user: EndUser;
  #socket!: StreamSocket;
  #relay: EndsRelay | null = null;
  #other: RelayEnd | null = null;
  #heard = false;
  #paused = false;
  /** Own buffers with bytes that the other end has not sent yet. */
  readonly #lent: Buffer[] = [];

  constructor(user: EndUser) {
    this.#user = user;
  }

  /** The socket whose owner this is. */
  attach(socket: StreamSocket): void {
    this.#socket = socket;
  }

  /** From now on bytes go to the other end, which must be told the same; `resume` makes them come. */
  join(relay: EndsRelay, other: RelayEnd): void {
    this.#relay = relay;
    this.#other = other;
  }

  /** Bytes written that the kernel has not taken. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  get needsDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Sends bytes, which must stay as they are until `unsent` is 0. */
  write(bytes: Uint8Array): void {
    if (!this.sendingEnded && !this.closed) this.#socket.write(bytes);
  }

  /** Reads go on, if they were paused. */
  resume(): void {
    if (!this.#paused || this.closed) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Sends what was written, then the end; receiving goes on. */
  endSending(): void {
    if (this.sendingEnded || this.closed) return;
    this.sendingEnded = true;
    this.#socket.end();
  }

  /** Sends what was written, then the end, and closes; what still comes is dropped. */
  finish(): void {
    if (this.closed) return;
    this.leaving = this.sendingEnded = true;
    this.#socket.destroySoon();
    this.resume();
  }

  /** Closes at once. */
  destroy(): void {
    if (this.closed) return;
    this.leaving = this.sendingEnded = true;
    this.#socket.destroy();
  }

  /** Nothing has come for a while: gives a buffer of its own back, where the socket can change to another one now. */
  shrink(): void {
    if (this.#other !== null) this.#takeBack();
    if (this.readBuffer === sharedReadBuffer || this.#paused || this.closed || this.ended) return;
    if (!(this.#socket instanceof HandleSocket)) return;
    this.#socket.pause();
    giveReadBuffer(this.readBuffer);
    this.readBuffer = sharedReadBuffer;
    this.#socket.resume();
  }

  onConnect(): void {
    this.#user.onConnect();
  }

  onData(buffer: Buffer, length: number): boolean {
    const other = this.#other;
    let goOn: boolean;
    if (other === null) goOn = this.#user.onData(buffer, length);
    else {
      if (!this.#heard) {
        this.#heard = true;
        this.#user.onFirstData();
      }
      this.#relay!.moved(this, length);
      goOn = this.#pass(buffer, length, other);
    }
    if (!goOn) this.#paused = true;
    return goOn;
  }

  #pass(buffer: Buffer, length: number, other: RelayEnd): boolean {
    // The relay is ending: who still sends is listened to, so that what was sent to it is not lost to a reset.
    if (other.sendingEnded) return true;
    this.#takeBack();
    if (buffer === sharedReadBuffer) {
      other.write(Buffer.from(buffer.subarray(0, length)));
      if (length >= BULK) this.readBuffer = takeReadBuffer();
    } else {
      other.write(buffer.subarray(0, length));
      // Bytes of node:net's own are nobody else's.
      if (buffer === this.readBuffer) this.#changeBuffer(buffer, length, other.unsent > 0);
    }
    return !other.needsDrain;
  }

  #changeBuffer(buffer: Buffer, length: number, isLent: boolean): void {
    const isSmall = length < SMALL;
    if (!isLent && !isSmall) return;
    if (isLent) this.#lent.push(buffer);
    else giveReadBuffer(buffer);
    this.readBuffer = isSmall ? sharedReadBuffer : takeReadBuffer();
  }

  /** Buffers whose bytes have left may be used again. */
  #takeBack(): void {
    if (this.#lent.length === 0 || this.#other!.unsent > 0 || this.#other!.closed) return;
    for (const buffer of this.#lent) giveReadBuffer(buffer);
    this.#lent.length = 0;
  }

  onDrain(): void {
    const from = this.#other;
    if (from === null) return;
    from.#takeBack();
    from.resume();
  }

  onEnd(): void {
    this.ended = true;
    if (this.#other === null) this.#user.onEnd();
    else this.#other.endSending();
  }

  onClose(error: Error | undefined): void {
    this.closed = true;
    // Nothing reads into it any more. Those that are lent may still be read from.
    giveReadBuffer(this.readBuffer);
    this.readBuffer = sharedReadBuffer;
    this.#relay?.closed(this);
    this.#user.onClose(error);
  }

  onBug(error: unknown): void {
    this.#user.onBug(error);
  }
}
