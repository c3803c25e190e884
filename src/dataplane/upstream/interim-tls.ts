import tls from "node:tls";
import { isIP } from "node:net";
import type { PoolTlsMaterial } from "../../config/tls-material.ts";
import type { UpstreamTlsConfig } from "../../config/tls-schema.ts";
import { adoptSocket, type ConnectingOwner, type SocketTarget, type StreamSocket } from "../transport.ts";

export class ClientTlsContext {
  readonly secure: tls.SecureContext;
  readonly verify: boolean;
  constructor(material: PoolTlsMaterial, config: UpstreamTlsConfig) {
    this.verify = config.verify;
    this.secure = tls.createSecureContext({
      ca: material.ca.length > 0 ? [...material.ca] : undefined,
      cert: material.cert ?? undefined,
      key: material.key ?? undefined,
      minVersion: config.minVersion,
    });
  }
}
export interface TlsClientSocket extends StreamSocket {
  readonly alpn: string;
}
export function openTlsConnection(
  target: SocketTarget,
  owner: ConnectingOwner,
  options: { context: ClientTlsContext; serverName: string; alpn: readonly string[] },
): TlsClientSocket {
  const socket = tls.connect({
    ...target,
    secureContext: options.context.secure,
    rejectUnauthorized: options.context.verify,
    ALPNProtocols: [...options.alpn],
    servername: isIP(options.serverName) === 0 ? options.serverName : "",
    checkServerIdentity: (_: string, cert: tls.PeerCertificate) => tls.checkServerIdentity(options.serverName, cert),
    allowHalfOpen: true,
  } as unknown as tls.ConnectionOptions) as unknown as tls.TLSSocket & { alpn: string; copiesWrites: boolean };
  socket.copiesWrites = true;
  socket.alpn = "";
  adoptSocket(socket, owner);
  socket.once("secureConnect", () => {
    socket.alpn = socket.alpnProtocol || "";
    owner.onConnect();
  });
  return socket as unknown as TlsClientSocket;
}
