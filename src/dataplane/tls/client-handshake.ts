import type { ConnectingOwner } from "../transport.ts";
import type { ClientTlsContext } from "./client-context.ts";
import { verifyServer } from "./verify-server.ts";
import type { HandshakeOwner, TlsSocket } from "./tls-socket.ts";

/** Owns a connection to a server until its handshake is done and the server is who it should be. */
export class ClientHandshake implements HandshakeOwner {
  readonly readBuffer: Buffer;
  readonly #owner: ConnectingOwner;
  readonly #context: ClientTlsContext;
  readonly #serverName: string;
  readonly #sessionKey: string;
  #socket!: TlsSocket;
  #verified = false;
  /** A session that came before the server was verified. */
  #session: Buffer | null = null;

  constructor(owner: ConnectingOwner, context: ClientTlsContext, serverName: string, sessionKey: string) {
    this.readBuffer = owner.readBuffer;
    this.#owner = owner;
    this.#context = context;
    this.#serverName = serverName;
    this.#sessionKey = sessionKey;
  }

  begin(socket: TlsSocket): void {
    this.#socket = socket;
    const { handle } = socket;
    handle.setVerifyMode(true, true);
    handle.enableSessionCallbacks();
    const session = this.#context.session(this.#sessionKey);
    if (session !== undefined) handle.setSession(session);
    socket.onSession = (next) => {
      if (this.#verified) this.#context.keepSession(this.#sessionKey, next);
      else this.#session = next;
    };
  }

  onSecure(): void {
    const socket = this.#socket;
    const { handle } = socket;
    const resumed = handle.isSessionReused();
    if (this.#context.verify) {
      const raw = handle.getPeerCertificate(false)?.["raw"];
      // A session that goes on is one of a server that was verified; only then it was kept.
      const error = verifyServer(
        handle.verifyError(),
        raw as Uint8Array | undefined,
        resumed ? null : this.#serverName,
      );
      if (error !== null) return socket.tlsFailed(error);
    }
    this.#verified = true;
    if (this.#session !== null) this.#context.keepSession(this.#sessionKey, this.#session);
    this.#session = null;
    socket.alpn = handle.getALPNNegotiatedProtocol() || "";
    socket.resumed = resumed;
    socket.own(this.#owner);
    this.#owner.onConnect();
  }

  onData(): boolean {
    return true;
  }

  onEnd(): void {
    // The socket makes an error of it.
  }

  onDrain(): void {
    // Nothing is written yet.
  }

  onClose(error: (Error & { code?: string; reason?: string }) | undefined): void {
    this.#owner.onClose(error === undefined ? undefined : handshakeError(error));
  }

  onBug(error: unknown): void {
    this.#owner.onBug(error);
  }
}

/** OpenSSL's errors are lines for programmers; what they end with can be read. */
export function handshakeError(error: Error & { code?: string; reason?: string }): Error {
  if (error.code?.startsWith("ERR_SSL_") !== true) return error;
  return Object.assign(new Error(`the TLS handshake failed: ${error.reason ?? error.message}`), { code: error.code });
}
