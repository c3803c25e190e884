import { errors, type ProxyError } from "../../core/errors.ts";
import { handOver, openConnection } from "../connect.ts";
import type { Timed } from "../timer-wheel.ts";
import type { TlsClientSocket } from "../tls/client-options.ts";
import { sharedReadBuffer, type ConnectingOwner, type StreamSocket } from "../transport.ts";
import { Http2UpstreamConnection, type Http2Home } from "./http2/http2-upstream-connection.ts";
import type { ServerConnection, SharedConnection } from "./server-connection.ts";
import { ALPN_ANY, ALPN_HTTP2 } from "./server-tls.ts";
import { UpstreamConnection } from "./upstream-connection.ts";
import type { ConnectionHome } from "./upstream-user.ts";

/** Code of a server that speaks another protocol than it has to. */
const NOT_HTTP2 = "ERR_NOT_HTTP2";

/** What waits for connections that are being made. */
export interface OpeningHome extends ConnectionHome<UpstreamConnection>, Http2Home {
  /** It has become an HTTP/1.1 connection, which nobody uses yet. */
  becameSingle(opening: OpeningConnection, connection: UpstreamConnection): void;
  /** It has become an HTTP/2 connection. */
  becameShared(opening: OpeningConnection, connection: SharedConnection): void;
  /** It came to nothing. */
  notOpened(opening: OpeningConnection, error: ProxyError): void;
}

/**
 * A connection to a server that is to speak HTTP/2, or that chooses for itself, until it is known which one it is: TCP
 * connection, TLS handshake, and for HTTP/2 the server's first SETTINGS, which say how many requests it takes. Requests
 * wait for it with `ServerConnections`; none belongs to it.
 */
export class OpeningConnection implements ConnectingOwner, Timed, ServerConnection {
  readBuffer: Buffer = sharedReadBuffer;
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readonly #home: OpeningHome;
  #socket!: StreamSocket;
  #http2: Http2UpstreamConnection | null = null;
  #done = false;

  constructor(home: OpeningHome) {
    this.#home = home;
  }

  /** Begins to connect. Separate from the constructor so that the home knows the connection before anything happens. */
  connect(): void {
    const { address, tls, config, context } = this.#home;
    this.deadline = context.now + config.connectTimeout;
    context.wheel.arm(this);
    if (tls === null) this.#socket = openConnection(address, this);
    else this.#socket = tls.open(address, this, config.protocol === "auto" ? ALPN_ANY : ALPN_HTTP2);
  }

  onConnect(): void {
    if (this.#done) return;
    const { tls, config } = this.#home;
    if (tls === null || (this.#socket as TlsClientSocket).alpn === "h2") {
      this.#http2 = new Http2UpstreamConnection(this.#home, this.#socket, this);
      handOver(this.#socket, this.#http2);
      this.#http2.begin();
    } else if (config.protocol === "auto") {
      const connection = new UpstreamConnection(this.#home);
      handOver(this.#socket, connection);
      this.#finish();
      connection.adopt(this.#socket);
      this.#home.reached();
      this.#home.becameSingle(this, connection);
    } else {
      this.failed("the server does not choose HTTP/2 in the TLS handshake (ALPN)", NOT_HTTP2);
    }
  }

  /** The server's SETTINGS have come: from here on the HTTP/2 connection looks after itself. */
  ready(): void {
    this.#finish();
    this.#home.reached();
    this.#home.becameShared(this, this.#http2!);
  }

  /** It cannot be made. `code`: the system's, if that is where the reason comes from. */
  failed(reason: string, code: string | undefined): void {
    if (!this.#done) this.#fail(errors.connectFailed, reason, code);
  }

  #fail(error: ProxyError, reason: string, code: string | undefined): void {
    this.#home.context.scoreboard.connectFailed(this.#home.slot);
    this.#home.unreachable(reason, code);
    this.abort(error);
  }

  abort(error: ProxyError): void {
    if (this.#done) return;
    this.#finish();
    this.#http2?.drop();
    this.#socket.destroy();
    this.#home.notOpened(this, error);
  }

  endUse(): void {
    this.abort(errors.serverGone);
  }

  unanswered(): number {
    return 0;
  }

  moveUnanswered(): void {
    // Who waits for it is asked by the home.
  }

  #finish(): void {
    this.#done = true;
    this.#home.context.wheel.disarm(this);
  }

  onDeadline(): void {
    const reason = this.#http2 === null ? "timed out" : "timed out: no SETTINGS of HTTP/2 came";
    this.#fail(errors.connectTimeout, reason, "timeout");
  }

  onData(): boolean {
    // Before the handshake is over nothing comes; behind it bytes are for the connection that took over.
    return false;
  }

  onEnd(): void {
    this.failed("the server closed the connection", undefined);
  }

  onDrain(): void {
    // Nothing is written before the connection is made.
  }

  onClose(error: Error | undefined): void {
    this.failed(error === undefined ? "closed" : error.message, (error as NodeJS.ErrnoException | undefined)?.code);
  }

  onBug(error: unknown): void {
    this.#home.context.log("error", `upstream connection: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
