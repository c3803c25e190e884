import type { SocketTarget, StreamSocket } from "../transport.ts";
import type { ClientTlsContext } from "./client-context.ts";

/** How a server is to be spoken to. */
export interface ClientTlsOptions {
  readonly context: ClientTlsContext;
  /** The name that is asked for (SNI) and must be in the certificate; an IP address is only looked for there; "" for neither. */
  readonly serverName: string;
  /** Protocols to choose from, best first; empty for none. */
  readonly alpn: readonly string[];
}

/** A connection to a server over TLS. Its properties hold from `onConnect` on. */
export interface TlsClientSocket extends StreamSocket {
  /** What the server has chosen; "" for nothing. */
  readonly alpn: string;
  /** The handshake was short, because an earlier session goes on. */
  readonly resumed: boolean;
}

/** Sessions are for one address, name and choice of protocols. */
export function sessionKey(target: SocketTarget, { serverName, alpn }: ClientTlsOptions): string {
  const address = "path" in target ? target.path : `${target.host} ${target.port}`;
  return `${serverName}\n${address}\n${alpn.join()}`;
}
