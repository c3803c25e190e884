import { constants } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { PoolTlsMaterial } from "../../config/tls-material.ts";
import type { UpstreamTlsConfig } from "../../config/tls-schema.ts";
import { SUITES, usableGroups } from "./suites.ts";

/** Most servers whose last session is kept. */
const MAX_SESSIONS = 512;

/** What all connections to the servers of a pool have in common, and their sessions. Throws on PEM that is not good. */
export class ClientTlsContext {
  readonly native: SecureContext;
  readonly verify: boolean;
  /** The last session with each server, the one that was not heard of for longest first. */
  readonly #sessions = new Map<string, Buffer>();

  constructor(material: PoolTlsMaterial, config: UpstreamTlsConfig) {
    this.verify = config.verify;
    const options: SecureContextOptions = {
      minVersion: config.minVersion,
      maxVersion: "TLSv1.3",
      ciphers: SUITES,
      ecdhCurve: usableGroups(),
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION,
    };
    if (material.ca.length > 0) options.ca = [...material.ca];
    if (material.cert !== null) options.cert = material.cert;
    if (material.key !== null) options.key = material.key;
    this.native = createSecureContext(options);
  }

  /** The session to go on with; a connection that cannot is a whole handshake. */
  session(server: string): Buffer | undefined {
    return this.#sessions.get(server);
  }

  /** Keeps a session of a server that has been verified. */
  keepSession(server: string, session: Buffer): void {
    this.#sessions.delete(server);
    if (this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
    this.#sessions.set(server, session);
  }
}
