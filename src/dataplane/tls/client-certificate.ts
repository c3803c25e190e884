import { X509Certificate } from "node:crypto";
import type { ClientCertificate } from "./tls-session.ts";

/** What is of interest in a client's certificate, given as DER. */
export function describeCertificate(raw: Uint8Array): ClientCertificate {
  const certificate = new X509Certificate(raw);
  return {
    subject: distinguishedName(certificate.subject),
    issuer: distinguishedName(certificate.issuer),
    serial: certificate.serialNumber.toLowerCase(),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    notAfter: new Date(certificate.validTo).toISOString(),
    raw,
  };
}

/**
 * One line as RFC 4514 has it, the last part first. Node gives a line for each part, with the escapes of RFC 2253 and
 * control characters escaped, so that a line break is always the end of a part; several attributes in one part are
 * joined by " + ".
 */
function distinguishedName(lines: string | undefined): string {
  if (lines === undefined) return "";
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .toReversed()
    .join(",");
}
