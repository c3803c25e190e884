import { isIP } from "node:net";
import { handlesAvailable, HandleSocket } from "./handle-socket.ts";
import { TlsSocket } from "./tls/tls-socket.ts";
import {
  handOverNetSocket,
  openNetConnection,
  type ConnectingOwner,
  type SocketTarget,
  type StreamSocket,
  type TransportOwner,
} from "./transport.ts";

/** Opens a connection to a server: on a bare handle where that is possible, with node:net for names and unix sockets. */
export function openConnection(target: SocketTarget, owner: ConnectingOwner): StreamSocket {
  if (handlesAvailable && "host" in target && isIP(target.host) !== 0)
    return HandleSocket.connect(target.host, target.port, owner, () => owner.onConnect());
  return openNetConnection(target, owner);
}

/** Gives a socket to another owner: its connection speaks another protocol than the first one expected. */
export function handOver(socket: StreamSocket, owner: TransportOwner): void {
  if (socket instanceof HandleSocket || socket instanceof TlsSocket) socket.own(owner);
  else handOverNetSocket(socket, owner);
}
