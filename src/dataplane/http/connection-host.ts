import type { ClientBoard } from "../../shared-memory/client-board.ts";
import type { ListenerPlan } from "../plan.ts";
import type { WorkerContext } from "../worker-context.ts";
import type { ExchangePool } from "./exchange-pool.ts";

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
  /** No longer in the configuration. */
  readonly retired: boolean;
  /** A connection is gone. */
  closed(connection: object): void;
}
