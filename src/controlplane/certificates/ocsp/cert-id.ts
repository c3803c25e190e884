import { createHash, type X509Certificate } from "node:crypto";
import { expectTag, oidText, readElement, readElements, Tag, writeElement } from "./der.ts";

/** What OCSP needs of a certificate and its issuer (RFC 6960 4.1.1). */
export interface CertificateIds {
  /** Content of the serial number's INTEGER. */
  readonly serial: Buffer;
  /** DER of the issuer's name. */
  readonly issuerName: Buffer;
  /** The issuer's public key, without the count of unused bits. */
  readonly issuerKey: Buffer;
}

/** SHA-1 with NULL parameters. It only names the issuer here; responders answer for it (RFC 5019 2.1.1). */
const SHA1 = writeElement(
  Tag.sequence,
  writeElement(Tag.oid, Buffer.from([0x2b, 0x0e, 0x03, 0x02, 0x1a])),
  writeElement(Tag.null),
);

const HASHES: Readonly<Record<string, string>> = { "1.3.14.3.2.26": "sha1", "2.16.840.1.101.3.4.2.1": "sha256" };

/** Throws an Error when one of the certificates is not as RFC 5280 says. */
export function certificateIds(certificate: X509Certificate, issuer: X509Certificate): CertificateIds {
  const { serial } = fields(certificate);
  const { subject, key } = fields(issuer);
  return { serial, issuerName: subject, issuerKey: key };
}

/** tbsCertificate: [0] version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … */
function fields({ raw }: X509Certificate): { serial: Buffer; subject: Buffer; key: Buffer } {
  const [tbs] = readElements(expectTag(readElement(raw), Tag.sequence));
  const parts = readElements(expectTag(tbs, Tag.sequence));
  const at = parts[0]?.tag === 0xa0 ? 1 : 0;
  const spki = readElements(expectTag(parts[at + 5], Tag.sequence));
  return {
    serial: expectTag(parts[at], Tag.integer),
    subject: parts[at + 4]!.whole,
    key: expectTag(spki[1], Tag.bitString).subarray(1),
  };
}

/** An OCSPRequest for one certificate, unsigned and without a nonce: responders may answer from a cache. */
export function ocspRequest({ serial, issuerName, issuerKey }: CertificateIds): Buffer {
  const id = writeElement(Tag.sequence, SHA1, sha1(issuerName), sha1(issuerKey), writeElement(Tag.integer, serial));
  const request = writeElement(Tag.sequence, writeElement(Tag.sequence, id));
  return writeElement(Tag.sequence, writeElement(Tag.sequence, request));
}

function sha1(bytes: Buffer): Buffer {
  return writeElement(Tag.octetString, createHash("sha1").update(bytes).digest());
}

/** Whether the content of a CertID, with whatever hash it uses, means this certificate. */
export function isCertId(content: Buffer, { serial, issuerName, issuerKey }: CertificateIds): boolean {
  const [algorithm, name, key, number] = readElements(content);
  const hash = HASHES[oidText(expectTag(readElements(expectTag(algorithm, Tag.sequence))[0], Tag.oid))];
  if (hash === undefined) return false;
  const isHashOf = (digest: Buffer, bytes: Buffer) => createHash(hash).update(bytes).digest().equals(digest);
  return (
    expectTag(number, Tag.integer).equals(serial) &&
    isHashOf(expectTag(name, Tag.octetString), issuerName) &&
    isHashOf(expectTag(key, Tag.octetString), issuerKey)
  );
}
