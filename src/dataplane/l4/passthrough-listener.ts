import type net from "node:net";
import { BoundListener } from "../bound-listener.ts";
import { HandleSocket } from "../handle-socket.ts";
import type { StreamHandle } from "../node-bindings.ts";
import { adoptSocket } from "../transport.ts";
import { PassthroughSession } from "./passthrough-session.ts";

/** An address whose clients speak TLS with the servers: connections are passed on by the name that they ask for. */
export class PassthroughListener extends BoundListener {
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
}
