import { oneLine } from "../../config/certificates/inspect-authorities.ts";
import type { OcspState } from "../certificates/ocsp/ocsp-staples.ts";
import type { NodeState } from "./node-state.ts";
import { statusOf, type CertificateEntry } from "../certificates/certificate-entry.ts";

/** A certificate as JSON; nothing in it comes from the private key. */
export function certificateView(entry: CertificateEntry, { certificates, clock }: NodeState) {
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
    ...statusOf(entry, clock.wall()),
    warnings,
    ocsp: ocspView(certificates.ocspState(entry)),
  };
}

/** Null for a certificate that has neither a responder nor a file with a response. */
function ocspView(ocsp: OcspState | undefined) {
  if (ocsp === undefined) return null;
  const { state, until, error } = ocsp;
  return { state, until: until === null ? null : new Date(until).toISOString(), error };
}

/** SHA-256 of the certificate, as hexadecimal digits in lower case. */
export function certificateFingerprint({ pair: { leaf } }: CertificateEntry): string {
  return leaf.fingerprint256.replaceAll(":", "").toLowerCase();
}
