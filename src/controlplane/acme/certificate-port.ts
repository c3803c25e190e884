/*
 * What ACME needs of the part that keeps certificates and gives them to the workers.
 */

/** A certificate that came by ACME and is kept over restarts. */
export interface AcmeCertificate {
  /** `acme:` and a name of letters, digits and `._~-`. */
  readonly id: string;
  /** PEM: the certificate and the intermediate ones. */
  readonly chain: string;
}

/** What the workers answer while an authority is looking. */
export interface Challenges {
  /** http-01: token → key authorisation (RFC 8555 8.3). */
  readonly http: Readonly<Record<string, string>>;
  /** tls-alpn-01: name → certificate and key as PEM (RFC 8737). */
  readonly alpn: Readonly<Record<string, { readonly chain: string; readonly key: string }>>;
}

/** The certificates that came by ACME: kept on disk, shown by the workers. */
export interface AcmeCertificates {
  /** All that are kept, those of former configurations among them. */
  list(): readonly AcmeCertificate[];
  /**
   * Keeps a certificate with its key (PEM), in place of the one with that id, and gives it to the workers. Resolves when it
   * is on disk and all workers have it; rejects, and the old one stays, when the two cannot be used.
   */
  put(id: string, certificate: { readonly chain: string; readonly key: string }): Promise<void>;
  /** Forgets a certificate and its key. */
  remove(id: string): Promise<void>;
  /** Which listeners show which of the certificates, from now on; those that are not named are kept and not shown. */
  show(assignment: Readonly<Record<string, readonly string[]>>): Promise<void>;
  /** Replaces all challenges. Resolves when all workers answer them. */
  setChallenges(challenges: Challenges): Promise<void>;
}
