/** A certificate that did not come from a file of the configuration, as it is kept. */
export interface StoredPair {
  /** `rest:NAME` or `acme:NAME`. */
  readonly id: string;
  /** PEM: the certificate and the intermediate ones. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
}

/** Where certificates are kept over restarts. */
export interface CertificateStorage {
  /** Everything that is kept, and what could not be read, in one line each. Rejects when nothing can be read. */
  load(): Promise<{ readonly pairs: readonly StoredPair[]; readonly problems: readonly string[] }>;
  /** Keeps a certificate, in place of the one with its id; resolves when it would survive a loss of power. */
  put(pair: StoredPair): Promise<void>;
  /** Forgets a certificate; nothing happens when there is none. */
  remove(id: string): Promise<void>;
}

/** `rest:` or `acme:`, and a name that can be a file's: it begins with a letter, a digit or an underscore. */
const ID = /^(?:rest|acme):[A-Za-z0-9_][A-Za-z0-9._~-]{0,127}$/;

/** True for an id under which a certificate can be kept. */
export function isStoredId(id: string): boolean {
  return ID.test(id);
}
