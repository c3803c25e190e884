import type { ClientBoard } from "../../shared-memory/client-board.ts";
import type { ClientIdentity } from "../http/client-identity.ts";
import type { ConnectionHost } from "../http/connection-host.ts";
import type { ExchangePool } from "../http/exchange-pool.ts";
import type { ListenerPlan } from "../plan.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { WorkerContext } from "../worker-context.ts";

/** A request whose head has come. */
export interface StartedRequest {
  start(): void;
}

/** The connection of a request, as the request sees it. */
export interface RequestHost {
  /** The connection's listener. */
  readonly host: ConnectionHost;
  /** What holds for the next request. */
  readonly plan: ListenerPlan;
  readonly context: WorkerContext;
  readonly exchanges: ExchangePool;
  readonly clients: ClientBoard;
  /** The listener's place in the scoreboard. */
  readonly slot: number;
  readonly identity: ClientIdentity;
  readonly tls: TlsSession | null;
  /**
   * Has `start` called once all that was read is dealt with: a request whose reset came right behind it costs no server
   * anything then (CVE-2023-44487).
   */
  startSoon(request: StartedRequest): void;
  /** The request is over and its stream released. */
  requestOver(request: object): void;
}
