import { X509Certificate } from "node:crypto";
import { certificateId } from "../../core/acme/certificate-id.ts";
import type { Validity } from "../../core/acme/renewal-time.ts";
import { loadX509 } from "./x509.ts";

/** What ACME needs to know of a certificate. */
export interface CertificateFacts extends Validity {
  /** DNS names of subjectAltName, lower case. */
  readonly names: readonly string[];
}

/**
 * Reads the first certificate of a chain.
 *
 * @param chain PEM
 * Throws an Error when there is none.
 */
export function readFacts(chain: string): CertificateFacts {
  const certificate = new X509Certificate(chain);
  const entries = (certificate.subjectAltName ?? "").split(", ");
  return {
    names: entries.flatMap((entry) => (entry.startsWith("DNS:") ? [entry.slice(4).toLowerCase()] : [])),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
  };
}

/** How the authority's renewal information names the chain's first certificate; null when it does not name its issuer's key. */
export async function readCertificateId(chain: string): Promise<string | null> {
  const { AuthorityKeyIdentifierExtension, X509Certificate: Parsed } = await loadX509();
  const certificate = new Parsed(new X509Certificate(chain).raw);
  const keyId = certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return null;
  return certificateId(Buffer.from(keyId, "hex"), integerContent(certificate.serialNumber));
}

/** A positive integer in hexadecimal as DER has it: with a zero byte in front where the first bit would be set. */
function integerContent(hex: string): Uint8Array {
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
  return (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
}
