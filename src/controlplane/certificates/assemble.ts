import type { LoadedAuthorities, LoadedPair } from "../../config/certificates/load-needs.ts";
import type { AuthoritiesNeed, PairNeed, TlsNeeds } from "../../config/certificates/tls-needs.ts";
import type { Config } from "../../config/schema.ts";
import type { ClientAuthorities, PoolTlsMaterial, TlsMaterial } from "../../config/tls-material.ts";
import type { Challenges } from "../acme/certificate-port.ts";
import { validFirst, withoutReplaced, type Shown } from "./shown.ts";

/** What the files of a configuration hold. Only what has been read successfully is asked for. */
export interface ReadFiles {
  pair(need: PairNeed): LoadedPair | undefined;
  authorities(need: AuthoritiesNeed): LoadedAuthorities | undefined;
}

/** A configuration with the files that it names. */
export interface Wanted {
  readonly config: Config;
  readonly needs: TlsNeeds;
}

/** Everything that goes into the material. */
export interface Parts {
  /** Where several name a listener or pool, the first one decides: the next configuration before the one in use. */
  readonly wanted: readonly Wanted[];
  readonly files: ReadFiles;
  /** Certificates that did not come from files, in order. */
  readonly stored: readonly Shown[];
  readonly ticketKeys: TlsMaterial["ticketKeys"];
  readonly challenges: Challenges;
  /** The OCSP response to show with a certificate, DER. */
  ocsp(shown: Shown): Uint8Array | null;
  /** ms since 1970. */
  readonly now: number;
}

/** Puts together what workers need for TLS, but for the version. */
export function assemble(parts: Parts): Omit<TlsMaterial, "version"> {
  const { files, challenges, ticketKeys } = parts;
  const clientAuthorities: Record<string, ClientAuthorities> = {};
  const onDemand: Record<string, readonly string[]> = {};
  for (const [listener, { needs, config }] of firstOf(parts.wanted, ({ needs }) => needs.listeners, "listener")) {
    const read = needs.clients && files.authorities(needs.clients);
    if (read !== undefined) clientAuthorities[listener] = read;
    const patterns = config.listeners[listener]!.tls?.acme?.onDemand ?? [];
    if (patterns.length > 0) onDemand[listener] = patterns;
  }
  const pools: Record<string, PoolTlsMaterial> = {};
  for (const [pool, { needs }] of firstOf(parts.wanted, ({ needs }) => needs.pools, "pool")) {
    const client = needs.client && files.pair(needs.client)?.pair;
    const { ca = [] } = files.authorities(needs.servers) ?? {};
    pools[pool] = { ca, cert: client?.chain ?? null, key: client?.key ?? null };
  }
  return {
    certificates: validFirst(withoutReplaced(shownCertificates(parts), parts.now), parts.now).map((shown) => {
      const { fingerprint, names, keyType, chain, key } = shown.pair;
      const { id, listeners } = shown;
      return { id, fingerprint, listeners, names, keyType, chain, key, ocsp: parts.ocsp(shown) };
    }),
    ticketKeys,
    clientAuthorities,
    pools,
    httpChallenges: challenges.http,
    alpnChallenges: challenges.alpn,
    onDemand,
  };
}

/**
 * All certificates in the order in which workers prefer them: those of files as the listeners name them, then the others.
 * Listeners with the same list share its entries; others have their own, for the order is each listener's.
 */
export function shownCertificates({ wanted, files, stored }: Pick<Parts, "wanted" | "files" | "stored">): Shown[] {
  const lists = new Map<string, { readonly needs: readonly PairNeed[]; readonly listeners: string[] }>();
  for (const [listener, { needs }] of firstOf(wanted, (one) => one.needs.listeners, "listener")) {
    const key = JSON.stringify(needs.certificates.map(({ cert, key, ocsp }) => [cert, key, ocsp]));
    const list = lists.get(key);
    if (list === undefined) lists.set(key, { needs: needs.certificates, listeners: [listener] });
    else list.listeners.push(listener);
  }
  const shown: Shown[] = [];
  for (const { needs, listeners } of lists.values()) {
    for (const need of needs) {
      const read = files.pair(need);
      if (read !== undefined) shown.push({ id: fileId(need), pair: read.pair, ocspFile: read.ocsp, listeners });
    }
  }
  return [...shown, ...stored];
}

/** The id of a certificate that a configuration names. */
export function fileId({ cert }: PairNeed): string {
  return `file:${cert}`;
}

/** By name, what the first configuration that has it says. */
function firstOf<Key extends string, Needs extends Readonly<Record<Key, string>>>(
  wanted: readonly Wanted[],
  list: (one: Wanted) => readonly Needs[],
  key: Key,
): Map<string, { readonly needs: Needs; readonly config: Config }> {
  const found = new Map<string, { readonly needs: Needs; readonly config: Config }>();
  for (const one of wanted) {
    for (const needs of list(one)) {
      if (!found.has(needs[key])) found.set(needs[key], { needs, config: one.config });
    }
  }
  return found;
}
