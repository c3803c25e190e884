import net from "node:net";
import { BoundListener } from "./bound-listener.ts";
import { HandleSocket } from "./handle-socket.ts";
import { ClientConnection } from "./http/client-connection.ts";
import type { ConnectionHost } from "./http/connection-host.ts";
import { AbuseLog } from "./http2/abuse-log.ts";
import { Http2ClientConnection } from "./http2/client-connection.ts";
import type { ExchangePool } from "./http/exchange-pool.ts";
import type { StreamHandle } from "./node-bindings.ts";
import type { ListenerPlan } from "./plan.ts";
import { AlpnList } from "./tls/alpn.ts";
import type { HandshakeHost, TlsClient } from "./tls/handshake-host.ts";
import { ListenerTls } from "./tls/listener-tls.ts";
import { ServerHandshake } from "./tls/server-handshake.ts";
import { tlsHandlesWork } from "./tls/tls-trial.ts";
import type { TlsSession } from "./tls/tls-session.ts";
import { adoptSocket } from "./transport.ts";
import type { WorkerContext } from "./worker-context.ts";

const HTTP_1 = new AlpnList("http/1.1");
const HTTP_2_OR_1 = new AlpnList("h2", "http/1.1");
/** How often a listener without a certificate says so, in ms. */
const SAY_AGAIN = 60_000;
/** How often a listener says why a handshake has failed, in ms: the log is no way to keep the main thread busy. */
const SAY_FAILURE_AGAIN = 1000;

/** An address whose clients speak HTTP, with or without TLS. */
export class HttpListener extends BoundListener implements ConnectionHost, HandshakeHost {
  readonly exchanges: ExchangePool;
  readonly abuses = new AbuseLog();
  #tls: ListenerTls | null = null;
  #saidMissing = -Infinity;
  #saidFailure = -Infinity;

  constructor(plan: ListenerPlan, context: WorkerContext, exchanges: ExchangePool) {
    super(plan, context);
    this.exchanges = exchanges;
    this.materialChanged();
  }

  override follow(plan: ListenerPlan): void {
    super.follow(plan);
    this.materialChanged();
  }

  /** What handshakes need has changed, or whether there are any. */
  override materialChanged(): void {
    const { name, config } = this.plan;
    const { tls, wanted } = this.context;
    if (config.tls === undefined) {
      this.#tls = null;
      return;
    }
    const options = { listener: name, config: config.tls };
    if (this.#tls === null) this.#tls = new ListenerTls(options, tls, (host) => wanted?.(this.plan.name, host));
    else this.#tls.update(options, tls);
  }

  /** For handshakes, which there are only with it. */
  get tls(): ListenerTls {
    return this.#tls!;
  }

  /** What ALPN may choose. */
  get protocols(): AlpnList {
    return this.plan.config.http2 === false ? HTTP_1 : HTTP_2_OR_1;
  }

  /** The connection of a client after its handshake, by what ALPN has chosen; without TLS at once. */
  openClient(remote: string, session: TlsSession | null): TlsClient {
    // The setting may have changed since the handshake began; then the client is told so by our closing.
    if (session?.alpn === "h2") return new Http2ClientConnection(this, remote, session);
    return new ClientConnection(this, remote, session);
  }

  handshakeFailed(remote: string, reason: string): void {
    const { now } = this.context;
    this.clients.handshakeFailed(this.slot);
    if (now - this.#saidFailure < SAY_FAILURE_AGAIN) return;
    this.#saidFailure = now;
    this.context.log("debug", `listener ${this.plan.name}: TLS handshake with ${remote} failed: ${reason}`);
  }

  noCertificate(): void {
    if (this.context.now - this.#saidMissing < SAY_AGAIN) return;
    this.#saidMissing = this.context.now;
    this.context.log("error", `listener ${this.plan.name}: there is no certificate: handshakes are refused`);
  }

  protected override takeHandle(handle: StreamHandle, remote: string): void {
    if (this.#tls !== null) {
      if (!tlsHandlesWork()) return this.takeSocket(socketOf(handle), remote);
      const handshake = new ServerHandshake(this, remote);
      this.opened(handshake);
      handshake.startOnHandle(handle);
      return;
    }
    const connection = this.openClient(remote, null);
    this.opened(connection);
    const socket = new HandleSocket(handle, connection);
    connection.attach(socket);
    socket.resume();
  }

  protected override takeSocket(socket: net.Socket, remote: string): void {
    if (this.#tls !== null) {
      const handshake = new ServerHandshake(this, remote);
      this.opened(handshake);
      handshake.startOnSocket(socket);
      return;
    }
    const connection = this.openClient(remote, null);
    this.opened(connection);
    adoptSocket(socket, connection);
    connection.attach(socket);
  }
}

/** A socket of node:net for a handle that nobody has touched. */
function socketOf(handle: StreamHandle): net.Socket {
  return new net.Socket({ handle, allowHalfOpen: true } as unknown as net.SocketConstructorOpts);
}
