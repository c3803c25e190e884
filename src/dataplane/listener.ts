import type net from "node:net";
import { BoundListener } from "./bound-listener.ts";
import { HandleSocket } from "./handle-socket.ts";
import { ClientConnection } from "./http/client-connection.ts";
import type { ConnectionHost } from "./http/connection-host.ts";
import type { ExchangePool } from "./http/exchange-pool.ts";
import type { StreamHandle } from "./node-bindings.ts";
import type { ListenerPlan } from "./plan.ts";
import { adoptSocket } from "./transport.ts";
import type { WorkerContext } from "./worker-context.ts";

/** An address whose clients speak HTTP. */
export class HttpListener extends BoundListener implements ConnectionHost {
  readonly exchanges: ExchangePool;

  constructor(plan: ListenerPlan, context: WorkerContext, exchanges: ExchangePool) {
    super(plan, context);
    this.exchanges = exchanges;
  }

  protected override takeHandle(handle: StreamHandle, remote: string): void {
    const connection = new ClientConnection(this, remote, null);
    this.opened(connection);
    const socket = new HandleSocket(handle, connection);
    connection.attach(socket);
    socket.resume();
  }

  protected override takeSocket(socket: net.Socket, remote: string): void {
    const connection = new ClientConnection(this, remote, null);
    this.opened(connection);
    adoptSocket(socket, connection);
    connection.attach(socket);
  }
}
