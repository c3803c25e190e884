import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";

/** Labels of letters, digits, hyphens and underscores; the first may be a wildcard. */
const DNS_NAME = /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** One entry of Node's text for subjectAltName; what could be taken for more than one entry is quoted like JSON. */
const ENTRY = /(?:^|, )(DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/**
 * Names that a certificate is good for, lower case: DNS names and addresses of subjectAltName. The common name counts only
 * where there is no subjectAltName (RFC 9110 4.3.4): clients no longer look at it, but it tells which one was meant.
 */
export function certificateNames(certificate: X509Certificate): string[] {
  const { subjectAltName } = certificate;
  const names = new Set<string>();
  if (subjectAltName === undefined) {
    const common = /^CN=(.*)$/m.exec(certificate.subject ?? "")?.[1]?.toLowerCase();
    if (common !== undefined && DNS_NAME.test(common)) names.add(common);
    return [...names];
  }
  for (const [, type, text] of subjectAltName.matchAll(ENTRY)) {
    const value = unquoted(text!).toLowerCase();
    if (type === "DNS" && DNS_NAME.test(value)) names.add(value);
    else if (type === "IP Address" && isIP(value) !== 0) names.add(canonicalIp(value));
  }
  return [...names];
}

/** True when a name, or the pattern `*.domain` (one label), covers a host name; both lower case. */
export function covers(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  if (!pattern.startsWith("*.")) return false;
  const dot = name.indexOf(".");
  return dot > 0 && name.slice(dot) === pattern.slice(1);
}

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return "";
  }
}

function canonicalIp(address: string): string {
  return address.includes(":") ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
