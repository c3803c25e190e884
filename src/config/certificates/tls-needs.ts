import { resolve } from "node:path";
import type { ConfigPath } from "../problem.ts";
import type { Config } from "../schema.ts";

/*
 * The files that a configuration names for TLS, each with the place where it does so; paths are absolute here.
 */

/** A certificate with its key. */
export interface PairNeed {
  readonly kind: "pair";
  /** Of the object with `cert` and `key`. */
  readonly path: ConfigPath;
  readonly cert: string;
  readonly key: string;
  /** A file with an OCSP response. */
  readonly ocsp: string | undefined;
}

/** Authorities of client certificates, or of servers. */
export interface AuthoritiesNeed {
  readonly kind: "authorities";
  /** Of the object with `ca` and `crl`. */
  readonly path: ConfigPath;
  readonly ca: readonly string[];
  readonly crl: readonly string[];
}

export interface ListenerNeeds {
  readonly listener: string;
  readonly certificates: readonly PairNeed[];
  readonly clients: AuthoritiesNeed | undefined;
}

export interface PoolNeeds {
  readonly pool: string;
  readonly servers: AuthoritiesNeed;
  readonly client: PairNeed | undefined;
}

export interface TlsNeeds {
  /** Of listeners with TLS that is ended here. */
  readonly listeners: readonly ListenerNeeds[];
  readonly pools: readonly PoolNeeds[];
}

/** What a configuration needs. `baseDir`: where relative paths start. */
export function tlsNeeds(config: Config, baseDir: string): TlsNeeds {
  const listeners = Object.entries(config.listeners).flatMap(([listener, { tls }]): ListenerNeeds[] => {
    if (tls === undefined || tls.passthrough) return [];
    const path = ["listeners", listener, "tls"];
    const certificates = tls.certificates.map(({ cert, key, ocsp }, index) =>
      pair([...path, "certificates", index], baseDir, cert, key, ocsp),
    );
    const { clientCertificates: clients } = tls;
    const trust = clients && authorities([...path, "clientCertificates"], baseDir, clients.ca, clients.crl);
    return [{ listener, certificates, clients: trust }];
  });
  const pools = Object.entries(config.pools).flatMap(([pool, { upstream }]): PoolNeeds[] => {
    const { tls } = upstream;
    if (tls === false) return [];
    const path = ["pools", pool, "upstream", "tls"];
    const { ca, cert, key } = tls;
    const client = cert === undefined || key === undefined ? undefined : pair(path, baseDir, cert, key);
    return [{ pool, servers: authorities(path, baseDir, ca, []), client }];
  });
  return { listeners, pools };
}

function pair(path: ConfigPath, baseDir: string, cert: string, key: string, ocsp?: string): PairNeed {
  return {
    kind: "pair",
    path,
    cert: resolve(baseDir, cert),
    key: resolve(baseDir, key),
    ocsp: ocsp === undefined ? undefined : resolve(baseDir, ocsp),
  };
}

function authorities(
  path: ConfigPath,
  baseDir: string,
  ca: readonly string[],
  crl: readonly string[],
): AuthoritiesNeed {
  const absolute = (file: string) => resolve(baseDir, file);
  return { kind: "authorities", path, ca: ca.map(absolute), crl: crl.map(absolute) };
}
