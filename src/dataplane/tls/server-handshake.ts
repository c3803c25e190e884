import type net from "node:net";
import { Alert, fatalAlert, type AlertDescription } from "../../tls/alert.ts";
import type { ClientHello } from "../../tls/client-hello.ts";
import { ClientHelloReader, COMPLETE, NEED_MORE } from "../../tls/client-hello-reader.ts";
import { handOver } from "../connect.ts";
import { HandleSocket } from "../handle-socket.ts";
import type { HostedConnection } from "../http/connection-host.ts";
import type { StreamHandle } from "../node-bindings.ts";
import type { Timed } from "../timer-wheel.ts";
import { adoptSocket, disownSocket, sharedReadBuffer, type StreamSocket } from "../transport.ts";
import { AlpnList } from "./alpn.ts";
import type { HandshakeHost } from "./handshake-host.ts";
import { ACME_PROTOCOL } from "./listener-tls.ts";
import type { Waiting } from "./on-demand.ts";
import { acceptPlain } from "./plain-accept.ts";
import { looksLikeHttp, plainHttpAnswer } from "./plain-http.ts";
import type { ServerCertificate } from "./server-certificate.ts";
import { ServerSession, type Settled } from "./server-session.ts";
import { settledOf } from "./settled.ts";
import { TlsSocket, type HandshakeOwner } from "./tls-socket.ts";

/** Share of the time for a handshake that it may wait for a certificate; the rest is for the handshake itself. */
const WAIT_SHARE = 0.8;
/** Time for a client to take an alert and go, in ms. */
const ALERT_TIME = 1000;
const ACME = new AlpnList(ACME_PROTOCOL);

/** What a handshake is at: it waits for the ClientHello, for a certificate, for its end; or is over. */
const HELLO = 0;
const WAITING = 1;
const RUNNING = 2;
const OVER = 3;

/**
 * A client's connection from its first byte to the end of its handshake. The ClientHello is read here before OpenSSL
 * sees it: so the certificate, its OCSP response and the alerts are chosen with all of it in view, and a handshake may
 * wait for a certificate that does not exist yet.
 */
export class ServerHandshake implements HandshakeOwner, HostedConnection, Timed, Waiting {
  deadline = Infinity;
  wheelNext: Timed | null = null;
  wheelPrevious: Timed | null = null;
  wheelTick = -1;
  readBuffer: Buffer = sharedReadBuffer;
  wantedName = "";
  readonly #host: HandshakeHost;
  readonly #remote: string;
  readonly #began: number;
  readonly #reader = new ClientHelloReader();
  #state: typeof HELLO | typeof WAITING | typeof RUNNING | typeof OVER = HELLO;
  /** The socket below TLS, until it is above it. */
  #socket!: StreamSocket;
  /** The same, where it is node:net's. */
  #plain: net.Socket | null = null;
  /** What has come so far, when the ClientHello did not come in one piece or has to wait. */
  #bytes: Buffer | null = null;
  #hello: ClientHello | null = null;
  #certificate: ServerCertificate | null = null;
  #isChallenge = false;
  /** Why it is given up, where that is our decision. */
  #reason = "";

  constructor(host: HandshakeHost, remote: string) {
    this.#host = host;
    this.#remote = remote;
    this.#began = host.context.clock.now();
    this.#wait(host.tls.config.handshakeTimeout);
  }

  startOnHandle(handle: StreamHandle): void {
    const socket = new HandleSocket(handle, this);
    this.#socket = socket;
    socket.resume();
  }

  startOnSocket(socket: net.Socket): void {
    this.#socket = this.#plain = socket;
    adoptSocket(socket, this);
  }

  // --- the ClientHello ---

  onData(buffer: Buffer, length: number): boolean {
    if (this.#state !== HELLO) return false;
    const state = this.#reader.read(buffer, 0, length);
    const before = this.#bytes;
    const bytes = before === null ? buffer.subarray(0, length) : Buffer.concat([before, buffer.subarray(0, length)]);
    if (state === NEED_MORE) {
      this.#bytes = before === null ? Buffer.from(bytes) : bytes;
      return true;
    }
    if (state === COMPLETE) this.#choose((this.#hello = this.#reader.hello!), bytes);
    else if (looksLikeHttp(bytes))
      this.#end(plainHttpAnswer(this.#host.context.requestId()), "a request of HTTP without TLS");
    else this.#refuse(this.#reader.fault!.alert, this.#reader.fault!.reason);
    return false;
  }

  #choose(hello: ClientHello, bytes: Buffer): void {
    const { tls, context } = this.#host;
    if (hello.alpn.length === 1 && hello.alpn[0] === ACME_PROTOCOL) {
      const challenge = tls.challenge(hello.serverName);
      if (challenge === null) return this.#refuse(Alert.noApplicationProtocol, "no such challenge of ACME");
      this.#isChallenge = true;
      return this.#begin(challenge, bytes);
    }
    const certificate = tls.byName(hello);
    if (certificate !== null) return this.#begin(certificate, bytes);
    this.wantedName = hello.serverName;
    if (hello.serverName !== "" && tls.onDemand.wait(this, context.now)) {
      this.#state = WAITING;
      this.#bytes = Buffer.from(bytes);
      this.#wait(tls.config.handshakeTimeout * WAIT_SHARE);
      return;
    }
    this.#beginByDefault(hello, bytes);
  }

  #beginByDefault(hello: ClientHello, bytes: Buffer): void {
    const { tls } = this.#host;
    const certificate = tls.byDefault(hello);
    if (certificate !== null) return this.#begin(certificate, bytes);
    if (tls.hasNone) this.#host.noCertificate();
    this.#refuse(Alert.unrecognizedName, `no certificate for ${hello.serverName || "clients that ask for no name"}`);
  }

  /** Certificates have changed while this one waits. */
  materialChanged(): void {
    const certificate = this.#host.tls.byName(this.#hello!);
    if (certificate === null) return;
    this.#host.tls.onDemand.leave(this);
    this.#wait(this.#host.tls.config.handshakeTimeout);
    this.#begin(certificate, this.#bytes!);
  }

  // --- the handshake ---

  #begin(certificate: ServerCertificate, bytes: Buffer): void {
    this.#state = RUNNING;
    this.#certificate = certificate;
    const protocols = this.#isChallenge ? ACME : this.#host.protocols;
    try {
      if (this.#plain !== null) this.#beginOnSocket(this.#plain, certificate, protocols, bytes);
      else this.#beginOnHandle(this.#socket as HandleSocket, certificate, protocols, bytes);
    } catch (error) {
      const { message } = error as Error;
      this.#host.context.log("error", `listener ${this.#host.plan.name}: TLS: ${message}`);
      this.#refuse(Alert.internalError, message);
    }
    this.#bytes = null;
  }

  #beginOnHandle(below: HandleSocket, certificate: ServerCertificate, protocols: AlpnList, bytes: Buffer): void {
    const { context } = certificate;
    const socket = new TlsSocket(below.release(), context, true, this);
    this.#socket = socket;
    const { handle } = socket;
    handle.setALPNProtocols(protocols.wireFormat);
    const { clientCertificates } = this.#host.tls.config;
    if (certificate.asksClient) handle.setVerifyMode(true, clientCertificates?.mode === "require");
    const ocsp = this.#host.tls.stapled(certificate);
    if (ocsp !== null) handle.setOCSPResponse(ocsp);
    socket.resume();
    handle.receive(bytes);
  }

  #beginOnSocket(below: net.Socket, certificate: ServerCertificate, protocols: AlpnList, bytes: Buffer): void {
    // Between two owners: what happens to it now is seen by the one above it.
    disownSocket(below);
    const { tls } = this.#host;
    const requiresClient = tls.config.clientCertificates?.mode === "require";
    const settings = { certificate, protocols: protocols.names, requiresClient, ocsp: tls.stapled(certificate) };
    acceptPlain(below, bytes, settings, {
      secure: (socket, settled, authorizationError) => {
        adoptSocket(socket, this);
        this.#socket = socket;
        this.#secured(settled, authorizationError);
      },
      failed: (error) => this.onClose(error),
    });
  }

  onSecure(): void {
    const { handle } = this.#socket as TlsSocket;
    const { settled, error } = settledOf(handle, this.#certificate!.asksClient);
    this.#secured(settled, error);
  }

  /** The handshake is done; `refused` says what is wrong with the client's certificate. */
  #secured(settled: Settled, refused: string | null): void {
    const host = this.#host;
    if (this.#state !== RUNNING) return;
    const missing =
      settled.clientCertificate === null &&
      this.#certificate!.asksClient &&
      host.tls.config.clientCertificates?.mode === "require";
    if (refused !== null || missing) {
      this.#giveUp(`client certificate: ${refused ?? "there is none"}`);
      return;
    }
    if (this.#isChallenge) {
      // The handshake was all that the authority wanted (RFC 8737 3).
      this.#state = OVER;
      this.#wait(ALERT_TIME);
      this.#socket.destroySoon();
      return;
    }
    const time = host.context.clock.now() - this.#began;
    const session = new ServerSession(settled, this.#hello!.serverName, this.#certificate!.names, time);
    host.clients.handshakeDone(host.slot, time, settled.resumed);
    this.#state = OVER;
    host.context.wheel.disarm(this);
    const client = host.openClient(this.#remote, session);
    host.replace(this, client);
    handOver(this.#socket, client);
    client.attach(this.#socket);
  }

  // --- the end ---

  #refuse(alert: AlertDescription, reason: string): void {
    this.#end(fatalAlert(alert), reason);
  }

  /** Last words. */
  #end(answer: string | Uint8Array, reason: string): void {
    this.#state = OVER;
    this.#host.handshakeFailed(this.#remote, reason);
    this.#bytes = null;
    this.#wait(ALERT_TIME);
    this.#socket.write(answer);
    this.#socket.destroySoon();
  }

  onDeadline(): void {
    if (this.#state !== WAITING) return this.#giveUp("it took longer than `handshakeTimeout`");
    this.#host.tls.onDemand.leave(this);
    this.#wait(this.#host.tls.config.handshakeTimeout * (1 - WAIT_SHARE));
    this.#beginByDefault(this.#hello!, this.#bytes!);
  }

  onEnd(): void {
    this.#giveUp("the client ended its connection");
  }

  onDrain(): void {
    // Nothing is ever held back for it.
  }

  onClose(error?: Error & { readonly reason?: string }): void {
    const host = this.#host;
    if (this.#state === WAITING) host.tls.onDemand.leave(this);
    if (this.#state !== OVER) {
      host.handshakeFailed(
        this.#remote,
        this.#reason || (error?.reason ?? error?.message ?? "the connection was lost"),
      );
    }
    this.#state = OVER;
    host.context.wheel.disarm(this);
    host.closed(this);
  }

  onBug(error: unknown): void {
    this.#host.context.log("error", `TLS handshake: ${error instanceof Error ? error.stack : String(error)}`);
  }

  /** A handshake goes on: the client does not know yet that it may have to look elsewhere. */
  drain(): void {
    // Its connection says so in its first answer.
  }

  closeTunnel(): void {
    // There is none yet.
  }

  #giveUp(reason: string): void {
    this.#reason = reason;
    this.cut();
  }

  cut(): void {
    this.#socket.destroy();
  }

  #wait(time: number): void {
    const { context } = this.#host;
    this.deadline = context.now + time;
    context.wheel.arm(this);
  }
}
