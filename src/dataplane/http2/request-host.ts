import type { ClientBoard } from "../../shared-memory/client-board.ts";
import type { ClientIdentity } from "../http/client-identity.ts";
import type { ConnectionHost } from "../http/connection-host.ts";
import type { ExchangePool } from "../http/exchange-pool.ts";
import type { ListenerPlan } from "../plan.ts";
import type { TlsSession } from "../tls/tls-session.ts";
import type { WorkerContext } from "../worker-context.ts";

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
  /** The request is over and its stream released. */
  requestOver(request: object): void;
}
