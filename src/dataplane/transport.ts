import net from "node:net";

/** What stands behind a socket of the data plane, on either side. */
export interface TransportOwner {
  /** Where the socket's next read goes. Changing it takes effect after the read that is being handled. */
  readBuffer: Buffer;
  /**
   * `length` bytes have arrived at the beginning of `buffer`. Unless the owner takes the buffer away (by putting another
   * one into `readBuffer`), the bytes are only valid until this returns. False stops reading until `resumeReading`.
   */
  onData(buffer: Buffer, length: number): boolean;
  /** The peer has sent its last byte. */
  onEnd(): void;
  /** What was written has gone to the kernel, after `writableNeedDrain` had been true. */
  onDrain(): void;
  /** The socket is gone. Called once. */
  onClose(error: Error | undefined): void;
  /** Something in the owner's own code threw: a bug. The socket is destroyed after this. */
  onBug(error: unknown): void;
}

/** An owner that opens its connection itself. */
export interface ConnectingOwner extends TransportOwner {
  onConnect(): void;
}

/** Where a connection goes. */
export type SocketTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** Read buffers that nobody uses at the moment; what does not fit is left to the collector. */
const freeBuffers: Buffer[] = [];
const MAX_FREE_BUFFERS = 64;

/** A read buffer of one's own, whose bytes may be handed on as they are. */
export function takeReadBuffer(): Buffer {
  return freeBuffers.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE);
}

/** Gives a buffer of `takeReadBuffer` back, once nothing refers to its bytes any more. The shared one is ignored. */
export function giveReadBuffer(buffer: Buffer): void {
  if (buffer !== sharedReadBuffer && freeBuffers.length < MAX_FREE_BUFFERS) freeBuffers.push(buffer);
}

const OWNER = Symbol("owner");
const FAILURE = Symbol("failure");

interface OwnedSocket extends net.Socket {
  [OWNER]: TransportOwner;
  [FAILURE]?: Error;
}

/** Size of all read buffers: one read takes up to this much from the kernel. */
export const READ_SIZE = 65_536;

/** One buffer for all reads whose bytes are used up before the next read, see `TransportOwner.onData`. */
export const sharedReadBuffer = Buffer.allocUnsafeSlow(READ_SIZE);

/**
 * Makes a socket that reads into its owner's buffer. Where the next read goes is asked for after each read, and once more
 * when a name's first address refuses and the next one is tried. So each connection answers for the owner that it has at
 * that time: what another one read last must not matter.
 */
export function readingInto<Socket extends net.Socket>(
  owner: TransportOwner,
  open: (onread: net.OnReadOpts) => Socket,
): Socket {
  let made: OwnedSocket | undefined;
  const socket = open({ buffer: () => (made?.[OWNER] ?? owner).readBuffer, callback: onRead });
  own(socket, owner);
  made = socket as OwnedSocket & Socket;
  return socket;
}

function onRead(this: unknown, length: number, buffer: Uint8Array): boolean {
  const socket = this as OwnedSocket;
  try {
    return socket[OWNER].onData(buffer as Buffer, length);
  } catch (error) {
    failed(socket, error);
    return false;
  }
}

function onPlainData(this: OwnedSocket, chunk: Buffer): void {
  try {
    if (!this[OWNER].onData(chunk, chunk.length)) this.pause();
  } catch (error) {
    failed(this, error);
  }
}

function failed(socket: OwnedSocket, error: unknown): void {
  socket[OWNER].onBug(error);
  socket.destroy();
}

function onEnd(this: OwnedSocket): void {
  guarded(this, () => this[OWNER].onEnd());
}
function onDrain(this: OwnedSocket): void {
  guarded(this, () => this[OWNER].onDrain());
}
function onError(this: OwnedSocket, error: Error): void {
  this[FAILURE] = error;
}
function onClose(this: OwnedSocket): void {
  guarded(this, () => this[OWNER].onClose(this[FAILURE]));
}

function guarded(socket: OwnedSocket, action: () => void): void {
  try {
    action();
  } catch (error) {
    failed(socket, error);
  }
}

function own(socket: net.Socket, owner: TransportOwner): void {
  (socket as OwnedSocket)[OWNER] = owner;
  socket.on("end", onEnd).on("drain", onDrain).on("error", onError).on("close", onClose);
}

/** A socket as the data plane uses it; `net.Socket` is one, and so is `HandleSocket`. */
export interface StreamSocket {
  /** What is written is copied at once (TLS does that): a buffer need not stay as it is. Absent: no. */
  readonly copiesWrites?: boolean;
  /** Bytes written that the kernel has not taken. */
  readonly writableLength: number;
  /** More than enough is unsent; the owner's `onDrain` is called when it is gone. */
  readonly writableNeedDrain: boolean;
  /** Strings are latin1. A buffer must stay as it is until `writableLength` is 0. */
  write(data: string | Uint8Array, encoding?: "latin1"): unknown;
  cork(): void;
  uncork(): void;
  pause(): void;
  resume(): void;
  /** Sends what was written, then the end; receiving goes on. */
  end(): void;
  destroy(): void;
  destroySoon(): void;
}

/** Hands an accepted socket over to an owner, with `data` events. The server must have `allowHalfOpen`. */
export function adoptSocket(socket: net.Socket, owner: TransportOwner): void {
  own(socket, owner);
  socket.on("data", onPlainData);
}

/** Takes a socket from its owner, who sees nothing of it any more. For sockets of `adoptSocket`. */
export function disownSocket(socket: net.Socket): void {
  socket.off("data", onPlainData).off("end", onEnd).off("drain", onDrain).off("error", onError).off("close", onClose);
}

/** Gives a socket of node:net to another owner, within `onData` at the latest. */
export function handOverNetSocket(socket: StreamSocket, owner: TransportOwner): void {
  (socket as OwnedSocket)[OWNER] = owner;
}

/** Opens a connection to a server with node:net. `owner.onConnect` is called once it is there. */
export function openNetConnection(address: SocketTarget, owner: ConnectingOwner): net.Socket {
  const options = { ...address, noDelay: true, keepAlive: true, allowHalfOpen: true };
  const socket = readingInto(owner, (onread) => net.connect({ ...options, onread } as net.NetConnectOpts));
  socket.once("connect", onConnect);
  return socket;
}

function onConnect(this: net.Socket): void {
  const socket = this as OwnedSocket;
  guarded(socket, () => (socket[OWNER] as ConnectingOwner).onConnect());
}
