import { matchesName } from "./certificate-index.ts";
import { describeCertificate } from "./client-certificate.ts";
import type { ClientCertificate, TlsSession } from "./tls-session.ts";

/** What a finished handshake says of itself, whichever socket did it. */
export interface Settled {
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string;
  readonly resumed: boolean;
  /** DER of the client's verified certificate. */
  readonly clientCertificate: Uint8Array | null;
}

/** The session of a client's connection. */
export class ServerSession implements TlsSession {
  readonly version: string;
  readonly cipher: string;
  readonly alpn: string;
  readonly serverName: string;
  readonly resumed: boolean;
  readonly handshakeTime: number;
  readonly client: ClientCertificate | null;
  /** Of the certificate that was shown. */
  readonly #names: readonly string[];

  constructor(settled: Settled, serverName: string, names: readonly string[], handshakeTime: number) {
    this.version = settled.version;
    this.cipher = settled.cipher;
    this.alpn = settled.alpn;
    this.resumed = settled.resumed;
    this.serverName = serverName;
    this.handshakeTime = handshakeTime;
    this.client = settled.clientCertificate === null ? null : describeCertificate(settled.clientCertificate);
    this.#names = names;
  }

  serves(host: string): boolean {
    return this.#names.some((name) => matchesName(name, host));
  }
}
