/** A label of a host name: letters, digits and dashes inside (RFC 1123 2.1), lower case. */
const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST_NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})+$`);
/** Longest name of the DNS, in characters without the last dot (RFC 1035 2.3.4). */
const MAX_NAME = 253;

/** True for a lower-case host name of two labels or more that an authority may certify; no address and no wildcard. */
export function isHostName(name: string): boolean {
  return name.length <= MAX_NAME && HOST_NAME.test(name) && !/^[\d.]+$/.test(name);
}

/** True for a host name, or one with `*` for its first label. */
export function isCertificateName(name: string): boolean {
  return isHostName(withoutWildcard(name));
}

export function isWildcard(name: string): boolean {
  return name.startsWith("*.");
}

/** The name that is asked about: authorities look at `example.com` for `*.example.com` too. */
export function withoutWildcard(name: string): string {
  return isWildcard(name) ? name.slice(2) : name;
}

/** The name of the TXT record of dns-01 (RFC 8555 8.4). */
export function challengeRecord(name: string): string {
  return `_acme-challenge.${withoutWildcard(name)}`;
}

/** True when the pattern is the name, or stands for it: `*` is one label. Both in lower case. */
export function matchesName(pattern: string, name: string): boolean {
  if (!isWildcard(pattern)) return pattern === name;
  const dot = name.indexOf(".");
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}
