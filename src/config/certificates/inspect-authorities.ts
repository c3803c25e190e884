import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { pemBlocks } from "./pem.ts";

/** Texts that can be used, and what is doubtful about them; or why they cannot be used. */
export type AuthoritiesResult =
  { readonly pem: string; readonly warnings: readonly string[] } | { readonly reason: string };

/** Checks a PEM text with certificates of authorities; what else stands in it is left out. `now` is ms since 1970. */
export function inspectAuthorities(text: string, now: number): AuthoritiesResult {
  const blocks = pemBlocks(text).filter(({ label }) => /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (blocks.length === 0) return { reason: "there is no certificate in it: PEM with BEGIN CERTIFICATE is expected" };
  const certificates: X509Certificate[] = [];
  for (const [index, { der }] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(der));
    } catch {
      return { reason: `certificate ${index + 1} in it cannot be decoded` };
    }
  }
  const warnings = certificates
    .filter(({ validToDate }) => validToDate.getTime() <= now)
    .map(({ subject, validToDate }) => `${oneLine(subject)} expired at ${validToDate.toISOString()}`);
  return { pem: certificates.map((certificate) => certificate.toString()).join(""), warnings };
}

/** Checks a PEM text with lists of revoked certificates (RFC 5280 5). */
export function inspectRevocations(text: string): AuthoritiesResult {
  const blocks = pemBlocks(text).filter(({ label }) => label === "X509 CRL");
  if (blocks.length === 0) return { reason: "there is no list in it: PEM with BEGIN X509 CRL is expected" };
  for (const [index, block] of blocks.entries()) {
    try {
      createSecureContext({ crl: block.text });
    } catch {
      return { reason: `list ${index + 1} in it cannot be decoded` };
    }
  }
  return { pem: blocks.map((block) => block.text).join(""), warnings: [] };
}

/** A distinguished name as Node writes it, one attribute per line, on one line. */
export function oneLine(name: string): string {
  return name.split("\n").join(", ");
}
