import { oneLine } from "../../config/certificates/inspect-authorities.ts";
import { statusOf, type CertificateEntry } from "../certificates/certificate-entry.ts";

/** A certificate as JSON; nothing in it comes from the private key. `now` is ms since 1970. */
export function certificateView(entry: CertificateEntry, now: number) {
  const { id, source, pair, listeners, warnings } = entry;
  const { leaf, names, notBefore, notAfter, keyStrength } = pair;
  return {
    id,
    source,
    names,
    subject: oneLine(leaf.subject ?? ""),
    issuer: oneLine(leaf.issuer ?? ""),
    serial: leaf.serialNumber.toLowerCase(),
    notBefore: new Date(notBefore).toISOString(),
    notAfter: new Date(notAfter).toISOString(),
    keyType: keyStrength,
    /** SHA-256 of the certificate. */
    fingerprint: certificateFingerprint(entry),
    /** Those that show it. */
    listeners,
    ...statusOf(entry, now),
    warnings,
  };
}

/** SHA-256 of the certificate, as hexadecimal digits in lower case. */
export function certificateFingerprint({ pair: { leaf } }: CertificateEntry): string {
  return leaf.fingerprint256.replaceAll(":", "").toLowerCase();
}
