import type { CertificateMaterial } from "../../config/tls-material.ts";

/** Certificates for one name, at most one of each kind of key; never empty. */
export type Candidates = readonly CertificateMaterial[];

/**
 * Which certificates a listener shows for which name. An exact name comes before a wildcard, which stands for one label
 * (RFC 9525 6.3): it is always meant more. Among equals the listener's own come before those of the whole node.
 */
export class CertificateIndex {
  /** For clients that ask for no name, or an unknown one: the listener's first, and others for its first name. */
  readonly byDefault: Candidates | null;
  readonly #own: ReadonlyMap<string, Candidates>;
  readonly #shared: ReadonlyMap<string, Candidates>;

  constructor(certificates: readonly CertificateMaterial[], listener: string) {
    const own = certificates.filter((certificate) => certificate.listeners?.includes(listener) === true);
    this.#own = byName(own);
    this.#shared = byName(certificates.filter((certificate) => certificate.listeners === null));
    const [first] = own;
    const [name] = first?.names ?? [];
    this.byDefault = first === undefined ? null : ((name === undefined ? undefined : this.#own.get(name)) ?? [first]);
  }

  /** Whether there is any certificate at all. */
  get isEmpty(): boolean {
    return this.byDefault === null && this.#shared.size === 0;
  }

  /** What there is for a name in lower case. */
  find(name: string): Candidates | undefined {
    const dot = name.indexOf(".");
    const wildcard = dot > 0 ? `*${name.slice(dot)}` : "";
    return this.#own.get(name) ?? this.#shared.get(name) ?? this.#own.get(wildcard) ?? this.#shared.get(wildcard);
  }
}

function byName(certificates: readonly CertificateMaterial[]): Map<string, CertificateMaterial[]> {
  const map = new Map<string, CertificateMaterial[]>();
  for (const certificate of certificates) {
    for (const name of certificate.names) {
      const list = map.get(name);
      if (list === undefined) map.set(name, [certificate]);
      else if (list.every(({ keyType }) => keyType !== certificate.keyType)) list.push(certificate);
    }
  }
  return map;
}

/** Whether a name matches a pattern: the same, or `*.` and then all of it but the first label. */
export function matchesName(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  const dot = name.indexOf(".");
  return dot > 0 && pattern.startsWith("*.") && pattern.slice(1) === name.slice(dot);
}
