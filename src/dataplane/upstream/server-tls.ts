import type { UpstreamTlsConfig } from "../../config/tls-schema.ts";
import type { PoolTlsMaterial } from "../../config/tls-material.ts";
import { ClientTlsContext } from "../tls/client-context.ts";
import type { TlsClientSocket } from "../tls/client-options.ts";
import { openTlsConnection } from "../tls/client-tls.ts";
import type { ConnectingOwner, SocketTarget } from "../transport.ts";

/** What the server is offered in the handshake (ALPN, RFC 7301), the preferred protocol first. */
export const ALPN_HTTP1: readonly string[] = ["http/1.1"];
export const ALPN_HTTP2: readonly string[] = ["h2"];
export const ALPN_ANY: readonly string[] = ["h2", "http/1.1"];

const PUBLIC_AUTHORITIES: PoolTlsMaterial = { ca: [], cert: null, key: null };

/** TLS to the servers of one pool: what the configuration says, with the certificates that are in use at the moment. */
export class PoolTls {
  readonly config: UpstreamTlsConfig;
  /** Null while there is none, because the material could not be used; see `problem`. */
  context: ClientTlsContext | null = null;
  problem = "";
  #material: PoolTlsMaterial | undefined;

  constructor(config: UpstreamTlsConfig) {
    this.config = config;
  }

  /**
   * Takes other certificates into use, for connections from now on. What cannot be used leaves everything as it was, and
   * is told by `problem`: the control plane has checked it, so that should not happen.
   */
  follow(material: PoolTlsMaterial = PUBLIC_AUTHORITIES): void {
    if (this.#material !== undefined && same(this.#material, material)) return;
    try {
      this.context = new ClientTlsContext(material, this.config);
      this.#material = material;
      this.problem = "";
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    }
  }
}

function same(a: PoolTlsMaterial, b: PoolTlsMaterial): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca.length === b.ca.length && a.ca.every((pem, i) => pem === b.ca[i]);
}

/** TLS to one server. */
export class ServerTls {
  /** The name that is asked for and must be in the certificate; an IP address is only looked for there; "" for neither. */
  readonly serverName: string;
  readonly #pool: PoolTls;

  constructor(pool: PoolTls, address: SocketTarget) {
    this.#pool = pool;
    this.serverName = pool.config.serverName ?? ("host" in address ? address.host : "");
  }

  /** Why no connection can be made at all; "" if there is no reason. */
  get problem(): string {
    return this.#pool.context === null ? this.#pool.problem || "there are no certificates yet" : "";
  }

  /** Opens a connection; only while there is no `problem`. `onConnect` comes after the handshake, verified if that is on. */
  open(address: SocketTarget, owner: ConnectingOwner, alpn: readonly string[]): TlsClientSocket {
    return openTlsConnection(address, owner, { context: this.#pool.context!, serverName: this.serverName, alpn });
  }
}
