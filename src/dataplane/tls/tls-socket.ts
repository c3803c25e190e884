import { getSystemErrorName } from "node:util";
import type { SecureContext } from "node:tls";
import { loadBindings, type StreamHandle } from "../node-bindings.ts";
import { shutDown } from "../shut-down.ts";
import type { StreamSocket, TransportOwner } from "../transport.ts";
import { loadTlsWrap, nativeContext, type TlsHandle, type TlsHandleUser } from "./tls-bindings.ts";
import { TlsWriter } from "./tls-writer.ts";

const UV_EOF = -4095;
const UV_EALREADY = -114;

const bindings = loadBindings();
const wrap = bindings === undefined ? undefined : loadTlsWrap();

/** Whether TLS can work on handles directly here, as far as one can see without trying. */
export const tlsHandlesAvailable = wrap !== undefined;

/** Who waits for a handshake: the owner until it is done, and perhaps afterwards. */
export interface HandshakeOwner extends TransportOwner {
  /** The handshake is done; what the peer sends from now on is for whoever owns the socket after this. */
  onSecure(): void;
}

/**
 * TLS over a TCP handle, without the streams of `node:tls`. As `HandleSocket` in all that its owner sees, with these
 * differences: what is written is copied at once (see TlsWriter), and a TCP connection that ends without TLS's own end
 * is told apart (`truncated`), because anybody on the way could have ended it.
 */
export class TlsSocket extends TlsWriter implements StreamSocket, TlsHandleUser {
  /** The peer's end came without TLS's own. */
  truncated = false;
  override readonly handle: TlsHandle;
  /** Clients take an end that nobody has signed for an error; servers meet too many clients that just go. */
  readonly #strictEnd: boolean;
  #owner: TransportOwner;
  #buffer: Buffer;
  #secure = false;
  #reading = false;
  /** What has come although reading was paused: the rest of what had been read from the kernel. */
  #held: Buffer[] | null = null;
  #heldEnd = false;
  #delivering = false;
  #readEnded = false;
  #shutDown = false;
  #closeWhenSent = false;
  #error: Error | undefined;
  /** Of a client's connection, once the server is verified: what it has chosen, and whether an earlier session goes on. */
  alpn = "";
  resumed = false;
  /** Gets new sessions of a client's connection. */
  onSession: ((session: Buffer) => void) | null = null;

  /** Takes a connected handle over, and reads. A client calls `handle.start` to begin the handshake. */
  constructor(parent: StreamHandle, context: SecureContext, isServer: boolean, owner: HandshakeOwner) {
    super(parent, bindings!);
    this.#owner = owner;
    this.#buffer = owner.readBuffer;
    this.#strictEnd = !isServer;
    const handle = wrap!(parent, nativeContext(context), isServer, false);
    this.handle = handle;
    handle.user = this;
    handle.onread = onRead;
    handle.onhandshakestart = ignore;
    handle.onhandshakedone = onHandshakeDone;
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- a native handle has nothing else
    handle.onerror = onError;
    handle.onnewsession = onNewSession;
    handle.useUserBuffer(this.#buffer);
  }

  get destroyed(): boolean {
    return this.closed;
  }

  /** Another owner from now on. Called within `onSecure` or `onData` at the latest. */
  own(owner: TransportOwner): void {
    this.#owner = owner;
  }

  // --- the handshake ---

  handshakeDone(): void {
    if (this.closed || this.#secure) return;
    this.#secure = true;
    guarded(this, () => (this.#owner as HandshakeOwner).onSecure());
    // What comes right behind the handshake is for the next owner's buffer already.
    if (this.closed || this.#buffer === this.#owner.readBuffer) return;
    this.#buffer = this.#owner.readBuffer;
    this.handle.useUserBuffer(this.#buffer);
  }

  tlsFailed(error: Error & { code?: string }): void {
    if (this.closed) return;
    this.#error = error;
    this.destroy();
  }

  newSession(session: Buffer): void {
    if (!this.closed) this.onSession?.(session);
  }

  protected override drained(): void {
    guarded(this, () => this.#owner.onDrain());
  }

  // --- reading ---

  pause(): void {
    if (!this.#reading) return;
    this.#reading = false;
    this.parent.readStop();
  }

  resume(): void {
    if (this.#reading || this.#readEnded || this.closed) return;
    this.#reading = true;
    if (this.#held !== null || this.#heldEnd) {
      if (this.#delivering) return;
      this.#delivering = true;
      // The caller does not expect bytes before it returns.
      queueMicrotask(() => this.#deliver());
      return;
    }
    this.#start();
  }

  #start(): void {
    if (this.#buffer !== this.#owner.readBuffer) {
      this.#buffer = this.#owner.readBuffer;
      this.handle.useUserBuffer(this.#buffer);
    }
    const status = this.handle.readStart();
    if (status !== 0 && status !== UV_EALREADY) this.fail(status, "read");
  }

  /** Brings what was held back, as reads of their own. */
  #deliver(): void {
    while (this.#reading && !this.closed && this.#held !== null) {
      const piece = this.#held[0]!;
      const { readBuffer } = this.#owner;
      const length = Math.min(piece.length, readBuffer.length);
      piece.copy(readBuffer, 0, 0, length);
      if (length < piece.length) this.#held[0] = piece.subarray(length);
      else if (this.#held.length === 1) this.#held = null;
      else this.#held.shift();
      this.#bring(readBuffer, length);
    }
    this.#delivering = false;
    if (!this.#reading || this.closed) return;
    if (this.#heldEnd) this.#ended();
    else this.#start();
  }

  /** Something was read, or reading is over. Returns where the next read goes, if that is another buffer. */
  received(length: number): Buffer | undefined {
    if (this.closed || length === 0) return undefined;
    if (length > 0) {
      if (!this.#reading || this.#held !== null || this.#delivering) {
        (this.#held ??= []).push(Buffer.from(this.#buffer.subarray(0, length)));
        return undefined;
      }
      this.#bring(this.#buffer, length);
      if (this.closed) return undefined;
      const { readBuffer } = this.#owner;
      if (this.#buffer === readBuffer) return undefined;
      return (this.#buffer = readBuffer);
    }
    if (length !== UV_EOF) {
      this.fail(length, "read");
      return undefined;
    }
    // After the peer's own end (close_notify) the handle is still being read from; after the TCP connection's it is not.
    // An end that comes while reading is paused was among what had been read before.
    this.truncated = this.#reading && !this.#delivering && this.parent.readStart() !== UV_EALREADY;
    if (this.#reading && this.#held === null && !this.#delivering) this.#ended();
    else this.#heldEnd = true;
    return undefined;
  }

  #bring(buffer: Buffer, length: number): void {
    let goOn = false;
    try {
      goOn = this.#owner.onData(buffer, length);
    } catch (error) {
      this.bug(error);
    }
    if (!goOn && !this.closed) this.pause();
  }

  #ended(): void {
    this.#heldEnd = false;
    this.#reading = false;
    this.#readEnded = true;
    if (!this.#secure) return this.#failWith("ECONNRESET", "the connection ended during the TLS handshake");
    if (this.truncated && this.#strictEnd)
      return this.#failWith("ERR_TLS_TRUNCATED", "the connection ended without the end of TLS (close_notify)");
    guarded(this, () => this.#owner.onEnd());
    this.#closeIfOver();
  }

  // --- the end ---

  /** Sends what was written, then the end; receiving goes on. */
  end(): void {
    if (this.closed || this.writeEnded) return;
    this.uncork();
    this.writeEnded = true;
    if (this.writing) this.endWhenSent = true;
    else this.sendEnd();
  }

  protected override sendEnd(again = false): void {
    this.endWhenSent = false;
    // TLS's own end does not leave while something of the handshake is on its way, but TCP's does: that is let go first.
    if (!again && this.handle.writeQueueSize > 0) {
      setImmediate(() => {
        if (!this.closed) this.sendEnd(true);
      });
      return;
    }
    shutDown(this.bindings, this.handle, (status) => this.#endSent(status));
  }

  #endSent(status: number): void {
    if (this.closed) return;
    if (status < 0) return this.fail(status, "shutdown");
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
    if (this.closed) return;
    this.closed = true;
    this.#reading = false;
    this.#held = null;
    this.parent.close(() => {
      // Not before: OpenSSL may have called us.
      this.handle.destroySSL();
      try {
        this.#owner.onClose(this.#error);
      } catch (error) {
        this.#owner.onBug(error);
      }
    });
  }

  override fail(status: number, action: string): void {
    if (this.closed) return;
    const code = getSystemErrorName(status);
    this.#failWith(code, `${action} ${code}`);
  }

  #failWith(code: string, message: string): void {
    this.tlsFailed(Object.assign(new Error(message), { code }));
  }

  /** The owner's code threw. */
  bug(error: unknown): void {
    this.#owner.onBug(error);
    this.destroy();
  }
}

function guarded(socket: TlsSocket, action: () => void): void {
  try {
    action();
  } catch (error) {
    socket.bug(error);
  }
}

function ignore(): void {
  // Renegotiation is off; there is one handshake.
}

function onRead(this: TlsHandle): Buffer | undefined {
  return this.user.received(bindings!.streamBaseState[bindings!.kReadBytesOrError]!);
}

function onHandshakeDone(this: TlsHandle): void {
  this.user.handshakeDone();
}

function onError(this: TlsHandle, error: Error): void {
  this.user.tlsFailed(error);
}

function onNewSession(this: TlsHandle, _id: Buffer, session: Buffer): void {
  this.user.newSession(session);
}
