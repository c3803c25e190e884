import { getSystemErrorName } from "node:util";
import { loadBindings, type Bindings, type StreamHandle, type StreamRequest } from "./node-bindings.ts";
import { shutDown } from "./shut-down.ts";
import type { StreamSocket, TransportOwner } from "./transport.ts";

/** Unsent bytes from which on a writer should wait. */
const HIGH_WATER = 65_536;
/** What libuv says at the end of a stream. */
const UV_EOF = -4095;

const found = loadBindings();

/** Whether sockets can work on handles directly here. */
export const handlesAvailable = found !== undefined;

/** A write that the kernel did not take at once: libuv refers to its bytes until it is complete. */
interface PendingWrite extends StreamRequest {
  socket: HandleSocket;
  bytes: number;
  data: unknown;
}

interface OwnedHandle extends StreamHandle {
  socket: HandleSocket;
}

/** A request object for the next write. Only a write that does not complete at once keeps it. */
let spareWrite: StreamRequest | undefined;

/**
 * A TCP connection directly on libuv's handle, without the streams of `node:net`: no event emitters, no queue of its
 * own (libuv has one), and one read buffer that its owner chooses. It costs a third of a `net.Socket` in memory and
 * saves about a microsecond per write. Both directions are closed apart; when both are, the handle is closed.
 */
export class HandleSocket implements StreamSocket {
  writableLength = 0;
  writableNeedDrain = false;
  readonly #bindings: Bindings = found!;
  readonly #handle: StreamHandle;
  #owner: TransportOwner;
  #buffer: Buffer;
  #corked: (string | Uint8Array)[] | null = null;
  #reading = false;
  #readEnded = false;
  #writeEnded = false;
  #shutDown = false;
  #closeWhenSent = false;
  #closed = false;
  #error: Error | undefined;

  constructor(handle: StreamHandle, owner: TransportOwner) {
    this.#handle = handle;
    this.#owner = owner;
    this.#buffer = owner.readBuffer;
    (handle as OwnedHandle).socket = this;
    handle.onread = onRead;
    handle.useUserBuffer(this.#buffer);
  }

  /** Opens a connection to an IP address. `onConnect` is called once it is there. */
  static connect(host: string, port: number, owner: TransportOwner, onConnect: () => void): HandleSocket {
    const { TCP, TCPConnectWrap, TCP_SOCKET } = found!;
    const handle = new TCP(TCP_SOCKET);
    const socket = new HandleSocket(handle, owner);
    const request = new TCPConnectWrap();
    request.oncomplete = (status) => {
      if (socket.#closed) return;
      if (status !== 0) return socket.#fail(status, "connect");
      handle.setNoDelay(true);
      handle.setKeepAlive(true, 0);
      socket.resume();
      guarded(socket, onConnect);
    };
    const status = host.includes(":") ? handle.connect6(request, host, port) : handle.connect(request, host, port);
    if (status !== 0) socket.#fail(status, "connect");
    return socket;
  }

  get destroyed(): boolean {
    return this.#closed;
  }

  /** Another owner from now on: the protocol has turned out to be another one. Called within `onData` at the latest. */
  own(owner: TransportOwner): void {
    this.#owner = owner;
  }

  /** Gives the handle up, as it is: somebody else reads, writes and closes it. For this socket nothing happens any more. */
  release(): StreamHandle {
    this.#closed = true;
    this.#reading = false;
    // Or the handle would keep this and its owner for as long as it lives.
    (this.#handle as unknown as { socket: null }).socket = null;
    return this.#handle;
  }

  /** Strings are latin1. A buffer must stay as it is until `writableLength` is 0. */
  write(data: string | Uint8Array): void {
    if (this.#closed || this.#writeEnded) return;
    // Node's native code ends the process, all workers included, on anything else; a filter could have returned it.
    if (typeof data !== "string" && !ArrayBuffer.isView(data))
      throw new TypeError("only text and bytes can be written");
    if (this.#corked !== null) {
      this.#corked.push(data);
      this.writableLength += data.length;
      return;
    }
    const request = spareWrite ?? new this.#bindings.WriteWrap();
    spareWrite = undefined;
    const status =
      typeof data === "string"
        ? this.#handle.writeLatin1String(request, data)
        : this.#handle.writeBuffer(request, data);
    this.#written(request, status, data);
  }

  /** Collects what is written until `uncork`. */
  cork(): void {
    this.#corked ??= [];
  }

  uncork(): void {
    const pieces = this.#corked;
    if (pieces === null) return;
    this.#corked = null;
    if (this.#closed || pieces.length === 0) return;
    for (const piece of pieces) this.writableLength -= piece.length;
    if (pieces.length === 1) return this.write(pieces[0]!);
    const list: unknown[] = [];
    for (const piece of pieces) list.push(piece, typeof piece === "string" ? "latin1" : "buffer");
    const request = spareWrite ?? new this.#bindings.WriteWrap();
    spareWrite = undefined;
    this.#written(request, this.#handle.writev(request, list, false), pieces);
  }

  #written(request: StreamRequest, status: number, data: unknown): void {
    const { streamBaseState: state, kLastWriteWasAsync, kBytesWritten } = this.#bindings;
    if (status !== 0) {
      spareWrite = request;
      return this.#fail(status, "write");
    }
    if (state[kLastWriteWasAsync] === 0) {
      spareWrite = request;
      return;
    }
    const pending = request as PendingWrite;
    pending.socket = this;
    pending.bytes = state[kBytesWritten]!;
    pending.data = data;
    pending.oncomplete = onWritten;
    this.writableLength += pending.bytes;
    if (this.writableLength >= HIGH_WATER) this.writableNeedDrain = true;
  }

  /** A pending write is complete. */
  sent(bytes: number, status: number): void {
    if (this.#closed) return;
    if (status < 0) return this.#fail(status, "write");
    this.writableLength -= bytes;
    if (this.writableLength > 0 || !this.writableNeedDrain) return;
    this.writableNeedDrain = false;
    guarded(this, () => this.#owner.onDrain());
  }

  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.#handle.readStop();
  }

  resume(): void {
    if (this.#reading || this.#readEnded || this.#closed) return;
    if (this.#buffer !== this.#owner.readBuffer) {
      this.#buffer = this.#owner.readBuffer;
      this.#handle.useUserBuffer(this.#buffer);
    }
    this.#reading = true;
    const status = this.#handle.readStart();
    if (status !== 0) this.#fail(status, "read");
  }

  /** Something was read, or reading is over. Returns where the next read goes, if that is another buffer. */
  received(length: number): Buffer | undefined {
    if (this.#closed) return undefined;
    if (length > 0) {
      let goOn = false;
      try {
        goOn = this.#owner.onData(this.#buffer, length);
      } catch (error) {
        this.#bug(error);
      }
      if (this.#closed) return undefined;
      if (!goOn && this.#reading) this.pause();
      const { readBuffer } = this.#owner;
      if (this.#buffer === readBuffer) return undefined;
      return (this.#buffer = readBuffer);
    }
    if (length === 0) return undefined;
    this.#reading = false;
    if (length !== UV_EOF) {
      this.#fail(length, "read");
      return undefined;
    }
    this.#readEnded = true;
    guarded(this, () => this.#owner.onEnd());
    this.#closeIfOver();
    return undefined;
  }

  /** Sends what was written, then the end; receiving goes on. */
  end(): void {
    if (this.#closed || this.#writeEnded) return;
    this.uncork();
    this.#writeEnded = true;
    shutDown(this.#bindings, this.#handle, (status) => this.#ended(status));
  }

  #ended(status: number): void {
    if (this.#closed) return;
    if (status < 0) return this.#fail(status, "shutdown");
    this.#shutDown = true;
    this.#closeIfOver();
  }

  #closeIfOver(): void {
    if (this.#shutDown && (this.#readEnded || this.#closeWhenSent)) this.destroy();
  }

  /** Sends what was written and the end, and closes then, whatever the peer does. */
  destroySoon(): void {
    this.#closeWhenSent = true;
    if (this.#shutDown) this.destroy();
    else this.end();
  }

  /** Closes at once; what was not sent is lost. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reading = false;
    this.#handle.close(() => {
      try {
        this.#owner.onClose(this.#error);
      } catch (error) {
        this.#owner.onBug(error);
      }
    });
  }

  #fail(status: number, action: string): void {
    if (this.#closed) return;
    const code = getSystemErrorName(status);
    this.#error = Object.assign(new Error(`${action} ${code}`), { code });
    this.destroy();
  }

  #bug(error: unknown): void {
    this.#owner.onBug(error);
    this.destroy();
  }

  /** The owner's code threw. */
  bug(error: unknown): void {
    this.#bug(error);
  }
}

function guarded(socket: HandleSocket, action: () => void): void {
  try {
    action();
  } catch (error) {
    socket.bug(error);
  }
}

function onRead(this: OwnedHandle): Buffer | undefined {
  return this.socket.received(found!.streamBaseState[found!.kReadBytesOrError]!);
}

function onWritten(this: PendingWrite, status: number): void {
  this.socket.sent(this.bytes, status);
}
