import type net from "node:net";
import { BoundListener } from "../bound-listener.ts";
import { HandleSocket } from "../handle-socket.ts";
import type { StreamHandle } from "../node-bindings.ts";
import { adoptSocket } from "../transport.ts";
import { PassthroughSession, type SessionHost } from "./passthrough-session.ts";

/** An address whose clients speak TLS with the servers: connections are passed on by the name that they ask for. */
export class PassthroughListener extends BoundListener implements SessionHost {
  #refusedAt = -Infinity;

  protected override takeHandle(handle: StreamHandle, remote: string): void {
    const session = new PassthroughSession(this, remote);
    this.opened(session);
    const socket = new HandleSocket(handle, session.relayEnd);
    session.relayEnd.attach(socket);
    socket.resume();
  }

  protected override takeSocket(socket: net.Socket, remote: string): void {
    const session = new PassthroughSession(this, remote);
    this.opened(session);
    session.relayEnd.attach(socket);
    adoptSocket(socket, session.relayEnd);
  }

  refused(client: string, reason: string): void {
    this.clients.refused(this.slot);
    // Said once a second at most: the log is no way to keep the main thread busy.
    if (this.context.now - this.#refusedAt < 1000) return;
    this.#refusedAt = this.context.now;
    this.context.log("debug", `listener ${this.plan.name}: refused ${client}: ${reason}`);
  }
}
