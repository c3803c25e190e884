import type { ClientBoard } from "../../shared-memory/client-board.ts";
import type { HostedConnection } from "../http/connection-host.ts";
import type { ListenerPlan } from "../plan.ts";
import type { StreamSocket, TransportOwner } from "../transport.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { AlpnList } from "./alpn.ts";
import type { ListenerTls } from "./listener-tls.ts";
import type { TlsSession } from "./tls-session.ts";

/** A client's connection as it begins after the handshake. */
export interface TlsClient extends HostedConnection, TransportOwner {
  attach(socket: StreamSocket): void;
}

/** The listener of a handshake. */
export interface HandshakeHost {
  readonly plan: ListenerPlan;
  readonly context: WorkerContext;
  readonly clients: ClientBoard;
  readonly slot: number;
  readonly tls: ListenerTls;
  /** What is spoken here. */
  readonly protocols: AlpnList;
  /** Makes the connection for what ALPN has chosen. */
  openClient(remote: string, session: TlsSession): TlsClient;
  /** Counts a handshake that failed; the log has the reason, a phrase, with the client's address where it has debug lines. */
  handshakeFailed(remote: string, reason: string): void;
  /** There is no certificate at all. */
  noCertificate(): void;
  replace(connection: HostedConnection, next: HostedConnection): void;
  closed(connection: HostedConnection): void;
}
