import { isIP } from "node:net";
import { loadBindings } from "../node-bindings.ts";
import type { ConnectingOwner, SocketTarget } from "../transport.ts";
import { AlpnList } from "./alpn.ts";
import { ClientHandshake } from "./client-handshake.ts";
import { sessionKey, type ClientTlsOptions, type TlsClientSocket } from "./client-options.ts";
import { openPlainTls } from "./plain-connect.ts";
import { tlsHandlesWork } from "./tls-trial.ts";
import { TlsSocket } from "./tls-socket.ts";

/**
 * Opens a connection to a server with TLS. `onConnect` is called when the handshake is done and the server's certificate
 * is verified (unless the context says not to); what goes wrong before comes as `onClose` with an error that has a
 * `code` (ERR_TLS_CERT_ALTNAME_INVALID, CERT_HAS_EXPIRED, ERR_SSL_…, ECONNREFUSED …) and a sentence. A TCP connection that
 * ends without TLS's own end is an error too (ERR_TLS_TRUNCATED): what had no length of its own may not be all.
 */
export function openTlsConnection(
  target: SocketTarget,
  owner: ConnectingOwner,
  options: ClientTlsOptions,
): TlsClientSocket {
  if (!tlsHandlesWork() || !("host" in target) || isIP(target.host) === 0) return openPlainTls(target, owner, options);
  const { context, serverName, alpn } = options;
  const { TCP, TCPConnectWrap, TCP_SOCKET } = loadBindings()!;
  const parent = new TCP(TCP_SOCKET);
  const handshake = new ClientHandshake(owner, context, serverName, sessionKey(target, options));
  const socket = new TlsSocket(parent, context.native, false, handshake);
  handshake.begin(socket);
  const { handle } = socket;
  if (serverName !== "" && isIP(serverName) === 0) handle.setServername(serverName);
  if (alpn.length > 0) handle.setALPNProtocols(new AlpnList(...alpn).wireFormat);
  const request = new TCPConnectWrap();
  request.oncomplete = (status) => {
    if (socket.destroyed) return;
    if (status !== 0) return socket.fail(status, "connect");
    parent.setNoDelay(true);
    parent.setKeepAlive(true, 0);
    socket.resume();
    handle.start();
  };
  const { host, port } = target;
  const status = host.includes(":") ? parent.connect6(request, host, port) : parent.connect(request, host, port);
  if (status !== 0) socket.fail(status, "connect");
  return socket;
}
