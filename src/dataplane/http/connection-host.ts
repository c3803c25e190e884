import type { ClientBoard } from "../../shared-memory/client-board.ts";
import type { AbuseLog } from "../http2/abuse-log.ts";
import type { ListenerPlan } from "../plan.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { ExchangePool } from "./exchange-pool.ts";

/** A client's connection, as its listener sees it. */
export interface HostedConnection {
  /** Closes an idle connection at once, a busy one after its answers. */
  drain(): void;
  /** Ends tunnels in the way of their protocols. */
  closeTunnel(): void;
  /** Ends the connection without ceremony. */
  cut(): void;
}

/** The listener of a client connection, as the connection sees it. */
export interface ConnectionHost {
  /** What holds for the next request. */
  readonly plan: ListenerPlan;
  readonly context: WorkerContext;
  readonly exchanges: ExchangePool;
  readonly clients: ClientBoard;
  /** The listener's place in the scoreboard. */
  readonly slot: number;
  /** The port that clients see, as text; "" on a unix socket. */
  readonly portText: string;
  /** What is said of connections that exceed limits. */
  readonly abuses: AbuseLog;
  /** WebSockets that are open. */
  webSockets: number;
  /** No longer in the configuration. */
  readonly retired: boolean;
  /** A connection is gone. */
  closed(connection: HostedConnection): void;
  /** A connection goes on as another one: its protocol has turned out to be another. */
  replace(connection: HostedConnection, next: HostedConnection): void;
}
