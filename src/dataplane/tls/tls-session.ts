/** What the handshake of a client's connection has settled. */
export interface TlsSession {
  /** "TLSv1.3" or "TLSv1.2". */
  readonly version: string;
  /** Name of the cipher suite, as OpenSSL writes it. */
  readonly cipher: string;
  /** The protocol that ALPN chose; "" without ALPN. */
  readonly alpn: string;
  /** Name that the client asked for (SNI), lower case; "" if none. */
  readonly serverName: string;
  /** The handshake was short, because client and server knew each other. */
  readonly resumed: boolean;
  /** ms from the accepted connection to the end of the handshake. */
  readonly handshakeTime: number;
  /** The client's verified certificate; null without one. */
  readonly client: ClientCertificate | null;
  /**
   * Whether the certificate that was shown is good for another name too: only then may requests for it come on this
   * connection (RFC 9110 7.4, else 421).
   */
  serves(host: string): boolean;
}

/** A verified client certificate. */
export interface ClientCertificate {
  /** Distinguished names as one line (RFC 4514). */
  readonly subject: string;
  readonly issuer: string;
  /** Hexadecimal. */
  readonly serial: string;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  /** End of validity, ISO 8601. */
  readonly notAfter: string;
  /** DER. */
  readonly raw: Uint8Array;
}
