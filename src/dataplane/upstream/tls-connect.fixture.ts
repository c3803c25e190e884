import { openFake, type FakeSocket } from "../socket.fixture.ts";
import type { ClientTlsOptions } from "../tls/client-options.ts";
import type { ConnectingOwner, SocketTarget } from "../transport.ts";

/** What was offered to servers, in order: the name that is asked for, then the protocols. */
export const offers: string[][] = [];

/** Stands in for tls/client-tls.ts: the test says when the handshake is over, and what was chosen (`FakeSocket.alpn`). */
export function openTlsConnection(target: SocketTarget, owner: ConnectingOwner, options: ClientTlsOptions): FakeSocket {
  offers.push([options.serverName, ...options.alpn]);
  return openFake(target, owner);
}
