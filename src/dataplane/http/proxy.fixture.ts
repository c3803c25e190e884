import type { Extensions } from "../../config/extensions.ts";
import { planOf } from "../plan.fixture.ts";
import type { ListenerPlan, Plan } from "../plan.ts";
import { testSession } from "../tls/tls-session.fixture.ts";
import { FakeSocket } from "../socket.fixture.ts";
import { testWorker, type TestWorker } from "../worker.fixture.ts";
import { AbuseLog } from "../http2/abuse-log.ts";
import { ClientConnection } from "./client-connection.ts";
import type { ConnectionHost } from "./connection-host.ts";
import { ExchangePool } from "./exchange-pool.ts";

/** A listener without an address: clients are fake sockets. Tests mock transport.ts for the servers' side. */
export class TestProxy implements ConnectionHost {
  readonly context: TestWorker;
  readonly exchanges: ExchangePool;
  readonly clients;
  readonly slot: number;
  readonly portText = "8080";
  readonly abuses = new AbuseLog();
  webSockets = 0;
  readonly wholePlan: Plan;
  plan: ListenerPlan;
  retired = false;
  /** Connections that said that they are gone. */
  closedCount = 0;

  constructor(config: Readonly<Record<string, unknown>>, own?: Extensions, context: TestWorker = testWorker()) {
    this.context = context;
    this.exchanges = new ExchangePool(context);
    this.clients = context.scoreboard.clients;
    this.slot = this.clients.listenerSlot("web");
    this.wholePlan = planOf(config, context, own);
    this.plan = this.wholePlan.listeners.get("web")!;
  }

  /** Lets that many ms pass, with what the worker does for its pools at each tick. */
  tick(ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.context.advance(Math.min(left, 50));
      for (const pool of this.wholePlan.pools.values()) pool.tick(this.context.now);
    }
  }

  replace(): void {
    // It keeps no list.
  }

  closed(): void {
    this.closedCount++;
  }

  /** A client connects. */
  connect(remote = "192.0.2.7", secure = false): FakeSocket {
    const connection = new ClientConnection(this, remote, secure ? testSession() : null);
    const socket = new FakeSocket(connection);
    connection.attach(socket);
    return socket;
  }
}
