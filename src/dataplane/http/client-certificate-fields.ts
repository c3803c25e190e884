import type { ClientCertificate } from "../tls/tls-session.ts";

/**
 * The fields that tell a server about the client's verified certificate: the parts that people match on, and the
 * certificate itself as RFC 9440 has it. What clients send under these names never goes on (dropped-fields.ts).
 */
export function clientCertificateLines(certificate: ClientCertificate): string {
  return (
    `X-Client-Cert-Subject: ${printable(certificate.subject)}\r\n` +
    `X-Client-Cert-Issuer: ${printable(certificate.issuer)}\r\n` +
    `X-Client-Cert-Serial: ${printable(certificate.serial)}\r\n` +
    `X-Client-Cert-Fingerprint: ${printable(certificate.fingerprint)}\r\n` +
    `X-Client-Cert-Not-After: ${printable(certificate.notAfter)}\r\n` +
    `Client-Cert: :${Buffer.from(certificate.raw).toString("base64")}:\r\n`
  );
}

/** Everything but printable ASCII, and the percent sign itself, percent-encoded: a name may contain any character. */
function printable(text: string): string {
  return text.replace(/[^ -$&-~]/gu, (character) =>
    encodeURIComponent(character.isWellFormed() ? character : "\uFFFD"),
  );
}
