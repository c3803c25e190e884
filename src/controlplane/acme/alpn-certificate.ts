import { createHash, randomBytes } from "node:crypto";
import { newKeys, privateKeyPem, signingAlgorithm } from "./certificate-request.ts";
import { loadX509 } from "./x509.ts";

/** id-pe-acmeIdentifier (RFC 8737 6.1). */
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";
const KEY_TYPE = "ec256";
/** The authority looks within minutes; clocks may differ by an hour. */
const HOUR = 3_600_000;

/**
 * The self-signed certificate that answers tls-alpn-01 (RFC 8737 3): for one name, with the digest of the key authorisation
 * in a critical extension.
 *
 * @param now ms since 1970-01-01 UTC
 */
export async function alpnCertificate(
  name: string,
  keyAuthorization: string,
  now: number,
): Promise<{ readonly chain: string; readonly key: string }> {
  const { X509CertificateGenerator, SubjectAlternativeNameExtension, Extension } = await loadX509();
  const digest = createHash("sha256").update(keyAuthorization).digest();
  const keys = await newKeys(KEY_TYPE);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    // Positive, not zero, and of one length: its first bits are 01.
    serialNumber: Buffer.concat([Buffer.of(0x40), randomBytes(15)]).toString("hex"),
    // No common name: that has room for 64 characters only.
    name: "O=ACME challenge",
    notBefore: new Date(now - HOUR),
    notAfter: new Date(now + 24 * HOUR),
    keys,
    signingAlgorithm: signingAlgorithm(KEY_TYPE),
    extensions: [
      new SubjectAlternativeNameExtension([{ type: "dns", value: name }]),
      // An OCTET STRING (tag 4) of 32 bytes.
      new Extension(ACME_IDENTIFIER, true, Uint8Array.of(0x04, digest.length, ...digest)),
    ],
  });
  return { chain: certificate.toString("pem"), key: privateKeyPem(keys) };
}
