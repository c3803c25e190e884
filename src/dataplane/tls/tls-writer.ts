import type { Bindings, StreamHandle, StreamRequest } from "../node-bindings.ts";
import type { TlsHandle } from "./tls-bindings.ts";
import { WriteQueue } from "./write-queue.ts";

/** Unsent bytes from which on a writer should wait. */
const HIGH_WATER = 65_536;
/** Longest text that is written by way of `scratch`: heads with short answers. */
const SCRATCH_SIZE = 4096;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_SIZE);
/** The first bytes of `scratch`, by their number. */
const views = Array.from<Buffer | undefined>({ length: SCRATCH_SIZE + 1 });

interface PendingWrite extends StreamRequest {
  socket: TlsWriter;
}

/**
 * The writing half of a TlsSocket. The handle copies (and encrypts) what it gets at once, and takes one write at a time,
 * whose end it tells a turn of the loop later, always: what is written meanwhile is collected and leaves as one.
 */
export abstract class TlsWriter {
  readonly copiesWrites = true;
  writableLength = 0;
  writableNeedDrain = false;
  abstract readonly handle: TlsHandle;
  protected readonly bindings: Bindings;
  /** The TCP handle below. */
  protected readonly parent: StreamHandle;
  protected closed = false;
  protected writeEnded = false;
  /** The end goes behind what is under way. */
  protected endWhenSent = false;
  readonly #queue = new WriteQueue();
  #corked = false;
  /** Bytes of the write that is under way; -1 without one. */
  #inFlight = -1;

  constructor(parent: StreamHandle, bindings: Bindings) {
    this.parent = parent;
    this.bindings = bindings;
  }

  /** A call of the system has failed. */
  abstract fail(status: number, action: string): void;
  protected abstract sendEnd(): void;
  /** All is sent, after a writer had to wait. */
  protected abstract drained(): void;

  /** A write is under way. */
  protected get writing(): boolean {
    return this.#inFlight >= 0;
  }

  /** Strings are latin1. A buffer may be used again when this returns, or after `uncork`. */
  write(data: string | Uint8Array): void {
    if (this.closed || this.writeEnded) return;
    // Node's native code ends the process, all workers included, on anything else; a filter could have returned it.
    if (typeof data !== "string" && !ArrayBuffer.isView(data))
      throw new TypeError("only text and bytes can be written");
    if (data.length === 0) return;
    this.writableLength += data.length;
    if (this.#corked) this.#queue.add(data);
    else if (this.#inFlight >= 0) {
      this.#queue.addCopy(data);
      if (this.#queue.length >= HIGH_WATER) this.writableNeedDrain = true;
    } else this.#send(data);
  }

  /** Collects what is written until `uncork`, which has to come in the same turn. */
  cork(): void {
    this.#corked = true;
  }

  uncork(): void {
    if (!this.#corked) return;
    this.#corked = false;
    if (this.closed || this.#queue.length === 0) return;
    if (this.#inFlight < 0) this.#sendQueue();
    else {
      this.#queue.copyBorrowed();
      if (this.#queue.length >= HIGH_WATER) this.writableNeedDrain = true;
    }
  }

  #send(data: string | Uint8Array): void {
    const request = new this.bindings.WriteWrap();
    const { handle } = this;
    const status = handle.writeBuffer(request, typeof data === "string" ? bytesOf(data) : data);
    this.#sentOff(request, status, data.length);
  }

  #sendQueue(): void {
    const { length } = this.#queue;
    const single = this.#queue.takeSingle();
    if (single !== null) return this.#send(single);
    const request = new this.bindings.WriteWrap();
    this.#sentOff(request, this.handle.writev(request, this.#queue.takeAll(), false), length);
  }

  #sentOff(request: StreamRequest, status: number, bytes: number): void {
    if (status !== 0) return this.fail(status, "write");
    if (this.bindings.streamBaseState[this.bindings.kLastWriteWasAsync] === 0) {
      this.writableLength -= bytes;
      return;
    }
    (request as PendingWrite).socket = this;
    (request as PendingWrite).oncomplete = onWritten;
    this.#inFlight = bytes;
    // It is told a turn of the loop later, always. What the kernel has taken already is no reason to wait for it.
    if (this.writableLength >= HIGH_WATER && this.parent.writeQueueSize > 0) this.writableNeedDrain = true;
  }

  /** The write below is complete. */
  sent(status: number): void {
    if (this.closed) return;
    if (status < 0) return this.fail(status, "write");
    this.writableLength -= this.#inFlight;
    this.#inFlight = -1;
    if (!this.#corked && this.#queue.length > 0) this.#sendQueue();
    if (this.#inFlight >= 0 || this.closed || this.writableLength > 0) return;
    if (this.endWhenSent) this.sendEnd();
    if (!this.writableNeedDrain) return;
    this.writableNeedDrain = false;
    this.drained();
  }
}

/**
 * Text as bytes, valid until the next call: OpenSSL has taken or copied them when a write returns. Node's own way to write
 * text keeps a copy for each write, which costs more than the writing of short answers.
 */
function bytesOf(text: string): Uint8Array {
  const { length } = text;
  if (length > SCRATCH_SIZE) return Buffer.from(text, "latin1");
  scratch.latin1Write(text, 0);
  return (views[length] ??= scratch.subarray(0, length));
}

function onWritten(this: PendingWrite, status: number): void {
  this.socket.sent(status);
}
