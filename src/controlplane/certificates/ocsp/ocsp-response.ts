import { verify, X509Certificate, type KeyObject } from "node:crypto";
import { certificateIds, isCertId } from "./cert-id.ts";
import { context, expectTag, oidText, readElement, readElements, readTime, Tag, type DerElement } from "./der.ts";

/** How far a responder's clock may be ahead of this machine's, in ms. */
const CLOCK_SKEW = 300_000;
/** How long a response without `nextUpdate` is shown, in ms: it says that newer ones can be had at any time. */
const DEFAULT_LIFE = 86_400_000;
/** Certificates of delegated responders that are looked at in a response. */
const MAX_RESPONDERS = 4;

const BASIC = "1.3.6.1.5.5.7.48.1.1";
const OCSP_SIGNING = "1.3.6.1.5.5.7.3.9";

/** Signature algorithms by their identifiers; SHA-1 is none any more. */
const DIGESTS: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};

const STATUSES = ["successful", "malformedRequest", "internalError", "", "tryLater", "sigRequired", "unauthorized"];

/** A response that may be shown with the certificate. Times are ms since 1970. */
export interface GoodResponse {
  readonly der: Buffer;
  readonly thisUpdate: number;
  /** When it is no longer to be shown. */
  readonly until: number;
}

/**
 * Checks an OCSP response (RFC 6960 4.2, 3.2): that it is about this certificate, signed by its issuer or by a responder
 * that the issuer has named, of this time, and says that the certificate is good. Throws an Error with the reason otherwise.
 */
export function checkResponse(
  der: Buffer,
  certificate: X509Certificate,
  issuer: X509Certificate,
  now: number,
): GoodResponse {
  const outer = readElement(der);
  if (outer.whole.length !== der.length) throw new Error("something follows the response");
  const [status, bytes] = readElements(expectTag(outer, Tag.sequence));
  const code = expectTag(status, Tag.enumerated)[0] ?? -1;
  if (code !== 0) throw new Error(`the responder answers ${STATUSES[code] || `status ${code}`}`);
  const [type, body] = readElements(expectTag(readElement(expectTag(bytes, context(0))), Tag.sequence));
  if (oidText(expectTag(type, Tag.oid)) !== BASIC) throw new Error("it is not a basic OCSP response");
  const basic = readElements(expectTag(readElement(expectTag(body, Tag.octetString)), Tag.sequence));
  const [tbs, algorithm, signature, certs] = basic;
  checkSignature(tbs!, algorithm, signature, certs, issuer, now);
  const single = findSingle(tbs!, certificate, issuer);
  const times = checkTimes(single, now);
  return { der, ...times };
}

function checkSignature(
  tbs: DerElement,
  algorithm: DerElement | undefined,
  signature: DerElement | undefined,
  certs: DerElement | undefined,
  issuer: X509Certificate,
  now: number,
): void {
  const oid = oidText(expectTag(readElements(expectTag(algorithm, Tag.sequence))[0], Tag.oid));
  const digest = DIGESTS[oid];
  if (digest === undefined) throw new Error(`it is signed by an algorithm that is not accepted (${oid})`);
  const bits = wholeBits(signature);
  const isBy = (key: KeyObject) => {
    try {
      return verify(digest, tbs.whole, key, bits);
    } catch {
      // A key of another kind.
      return false;
    }
  };
  if (isBy(issuer.publicKey)) return;
  for (const responder of responders(certs)) {
    if (isResponder(responder, issuer, now) && isBy(responder.publicKey)) return;
  }
  throw new Error("it is signed neither by the issuer nor by a responder of the issuer");
}

/** The bytes of a BIT STRING that ends with a whole byte, as those of signatures do. */
function wholeBits(element: DerElement | undefined): Buffer {
  const content = expectTag(element, Tag.bitString);
  if (content[0] !== 0) throw new Error("malformed signature");
  return content.subarray(1);
}

function responders(certs: DerElement | undefined): X509Certificate[] {
  if (certs === undefined) return [];
  const list = readElements(expectTag(readElement(expectTag(certs, context(0))), Tag.sequence));
  return list.slice(0, MAX_RESPONDERS).map(({ whole }) => new X509Certificate(whole));
}

/** RFC 6960 4.2.2.2: the issuer itself has issued the responder's certificate, and for this purpose. */
function isResponder(responder: X509Certificate, issuer: X509Certificate, now: number): boolean {
  return (
    responder.checkIssued(issuer) &&
    responder.verify(issuer.publicKey) &&
    (responder.keyUsage ?? []).includes(OCSP_SIGNING) &&
    responder.validFromDate.getTime() <= now &&
    now < responder.validToDate.getTime()
  );
}

/** The SingleResponse about the certificate. */
function findSingle(tbs: DerElement, certificate: X509Certificate, issuer: X509Certificate): DerElement[] {
  const ids = certificateIds(certificate, issuer);
  // [0] version, responderID, producedAt, responses, …
  const parts = readElements(tbs.content);
  const at = parts[0]?.tag === context(0) ? 3 : 2;
  for (const { content } of readElements(expectTag(parts[at], Tag.sequence))) {
    const single = readElements(content);
    if (isCertId(expectTag(single[0], Tag.sequence), ids)) return single;
  }
  throw new Error("it is about another certificate");
}

function checkTimes(single: readonly DerElement[], now: number): { thisUpdate: number; until: number } {
  const [, status, from, next] = single;
  // certStatus: [0] good, [1] revoked, [2] unknown.
  const kind = (status?.tag ?? 0) & 0x1f;
  if (kind !== 0)
    throw new Error(kind === 1 ? "the certificate is revoked" : "the responder does not know the certificate");
  const thisUpdate = readTime(expectTag(from, Tag.generalizedTime));
  const until =
    next?.tag === context(0)
      ? readTime(expectTag(readElement(next.content), Tag.generalizedTime))
      : thisUpdate + DEFAULT_LIFE;
  if (thisUpdate > now + CLOCK_SKEW) throw new Error(`it is not valid before ${new Date(thisUpdate).toISOString()}`);
  if (until <= now) throw new Error(`it expired at ${new Date(until).toISOString()}`);
  return { thisUpdate, until };
}
