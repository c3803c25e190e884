/*
 * What workers need for TLS besides the configuration. The control plane makes it, and sends it as a whole whenever
 * something of it changes: certificates that were replaced on disk or renewed, keys of session tickets, challenges that an
 * ACME authority is about to look at. It is never part of a snapshot, so that no view of the configuration can show it.
 */

/** A certificate with its private key, ready for use; checked by the control plane (the two fit, the chain is in order). */
export interface CertificateMaterial {
  /** Stable name: `file:PATH`, `rest:NAME` or `acme:NAME`. */
  readonly id: string;
  /** Changes when the certificate, its key or its chain does; SHA-256 of them in hexadecimal. */
  readonly fingerprint: string;
  /** Listeners that show it, in the order of their configuration; null: every listener with TLS, by name only. */
  readonly listeners: readonly string[] | null;
  /** Names from subjectAltName, lower case; `*.example.com` stands for one label. */
  readonly names: readonly string[];
  readonly keyType: "ecdsa" | "rsa" | "ed25519";
  /** PEM: the certificate and the intermediate ones. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** DER. */
  readonly ocsp: Uint8Array | null;
}

/** Certificate authorities and revocation lists of one listener's client certificates, as PEM. */
export interface ClientAuthorities {
  readonly ca: readonly string[];
  readonly crl: readonly string[];
}

/** What a pool needs for TLS to its servers, as PEM. */
export interface PoolTlsMaterial {
  /** Empty: the public authorities. */
  readonly ca: readonly string[];
  readonly cert: string | null;
  readonly key: string | null;
}

export interface TlsMaterial {
  /** Grows with each change. */
  readonly version: number;
  readonly certificates: readonly CertificateMaterial[];
  /** Keys of session tickets, 48 bytes each: the first one encrypts, all decrypt. Empty: no tickets. By listener. */
  readonly ticketKeys: Readonly<Record<string, readonly Uint8Array[]>>;
  /** By listener. */
  readonly clientAuthorities: Readonly<Record<string, ClientAuthorities>>;
  /** By pool. */
  readonly pools: Readonly<Record<string, PoolTlsMaterial>>;
  /** http-01: token → key authorisation, answered on every HTTP listener under /.well-known/acme-challenge/ (RFC 8555 8.3). */
  readonly httpChallenges: Readonly<Record<string, string>>;
  /** tls-alpn-01: name → certificate and key, shown to clients that offer only `acme-tls/1` (RFC 8737). */
  readonly alpnChallenges: Readonly<Record<string, { readonly chain: string; readonly key: string }>>;
  /** By listener: patterns of names for which a worker asks the control plane for a certificate (ACME on demand). */
  readonly onDemand: Readonly<Record<string, readonly string[]>>;
}

export const NO_TLS_MATERIAL: TlsMaterial = {
  version: 0,
  certificates: [],
  ticketKeys: {},
  clientAuthorities: {},
  pools: {},
  httpChallenges: {},
  alpnChallenges: {},
  onDemand: {},
};
