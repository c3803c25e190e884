import { isIP } from "node:net";
import { handlesAvailable, HandleSocket } from "./handle-socket.ts";
import { openNetConnection, type ConnectingOwner, type SocketTarget, type StreamSocket } from "./transport.ts";

/** Opens a connection to a server: on a bare handle where that is possible, with node:net for names and unix sockets. */
export function openConnection(target: SocketTarget, owner: ConnectingOwner): StreamSocket {
  if (handlesAvailable && "host" in target && isIP(target.host) !== 0)
    return HandleSocket.connect(target.host, target.port, owner, () => owner.onConnect());
  return openNetConnection(target, owner);
}
