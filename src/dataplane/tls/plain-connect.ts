import { isIP } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { handOverNetSocket, readingInto, type ConnectingOwner, type SocketTarget } from "../transport.ts";
import { handshakeError } from "./client-handshake.ts";
import { sessionKey, type ClientTlsOptions, type TlsClientSocket } from "./client-options.ts";
import { verifyServer } from "./verify-server.ts";

/**
 * A connection to a server with nothing but what node:tls documents: for names and unix sockets, and where handles cannot
 * be had. Whether an end was TLS's own cannot be seen there.
 */
export function openPlainTls(target: SocketTarget, owner: ConnectingOwner, options: ClientTlsOptions): TlsClientSocket {
  const { context, serverName, alpn } = options;
  const key = sessionKey(target, options);
  const settings = {
    ...target,
    secureContext: context.native,
    // Looked at below, so that both ways say the same.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  } as ConnectionOptions;
  Object.assign(settings, { allowHalfOpen: true, noDelay: true, keepAlive: true });
  if (alpn.length > 0) settings.ALPNProtocols = [...alpn];
  if (serverName !== "" && isIP(serverName) === 0) settings.servername = serverName;
  const session = context.session(key);
  if (session !== undefined) settings.session = session;
  const waiting = {
    readBuffer: owner.readBuffer,
    onData: () => true,
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClose: (error: Error | undefined) => owner.onClose(error === undefined ? undefined : handshakeError(error)),
    onBug: (error: unknown) => owner.onBug(error),
  };
  const socket = readingInto(waiting, (onread) => connect({ ...settings, onread } as ConnectionOptions));
  const client = Object.assign(socket, { alpn: "", resumed: false });
  let verified = false;
  let pending: Buffer | null = null;
  socket.on("session", (next) => {
    if (verified) context.keepSession(key, next);
    else pending = next;
  });
  socket.once("secureConnect", () => {
    const resumed = socket.isSessionReused();
    const error = context.verify
      ? verifyServer(chainError(socket), socket.getPeerX509Certificate()?.raw, resumed ? null : serverName)
      : null;
    if (error !== null) return void socket.destroy(error);
    verified = true;
    if (pending !== null) context.keepSession(key, pending);
    client.alpn = socket.alpnProtocol || "";
    client.resumed = resumed;
    handOverNetSocket(socket, owner);
    try {
      owner.onConnect();
    } catch (bug) {
      owner.onBug(bug);
      socket.destroy();
    }
  });
  return client;
}

/** What node:tls has against the certificate's chain and dates; it says a code, at least. */
function chainError(socket: TLSSocket): (Error & { code?: string }) | null {
  if (socket.authorized) return null;
  const error: unknown = socket.authorizationError;
  return error instanceof Error ? error : Object.assign(new Error(String(error)), { code: String(error) });
}
