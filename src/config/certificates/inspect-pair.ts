import { createHash, createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CertificateMaterial } from "../tls-material.ts";
import { orderChain } from "./chain-order.ts";
import { certificateNames } from "./names.ts";
import { pemBlocks, type PemBlock } from "./pem.ts";

/** Shortest RSA key that is taken, in bits; what public authorities and browsers ask for. */
const MIN_RSA_BITS = 2048;
/** Most certificates in one file. */
const MAX_CHAIN = 16;
/** Curves that clients of TLS 1.3 know, by OpenSSL's names. */
const CURVES: ReadonlySet<string> = new Set(["prime256v1", "secp384r1", "secp521r1"]);

/** A certificate and its key that fit each other. The key is in here: never to be shown as a whole. */
export interface InspectedPair {
  readonly leaf: X509Certificate;
  /** The certificate after it in the chain, which issued it; undefined when the file has none. */
  readonly issuer: X509Certificate | undefined;
  readonly names: readonly string[];
  readonly keyType: CertificateMaterial["keyType"];
  /** As "RSA 2048" or "ECDSA P-256". */
  readonly keyStrength: string;
  /** PEM, in order, without a root. */
  readonly chain: string;
  /** PEM. */
  readonly key: string;
  /** SHA-256 over chain and key, hexadecimal. */
  readonly fingerprint: string;
  /** ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What came of looking at a pair: `part` says which of the two texts is to blame. */
export type PairResult =
  | { readonly pair: InspectedPair; readonly warnings: readonly string[] }
  | { readonly reason: string; readonly part: "cert" | "key" };

/**
 * Checks that a certificate chain and a private key, both PEM, can be used by a TLS server or client: syntax, that the key
 * fits, strength, order of the chain. Dates are for `dateProblem`. No reason ever contains a part of the key.
 */
export function inspectPair(certText: string, keyText: string): PairResult {
  const blocks = pemBlocks(certText).filter(({ label }) => /^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label));
  if (blocks.length === 0) return bad("cert", "there is no certificate in it: PEM with BEGIN CERTIFICATE is expected");
  if (blocks.length > MAX_CHAIN)
    return bad("cert", `it has ${blocks.length} certificates; at most ${MAX_CHAIN} are read`);
  const certificates: X509Certificate[] = [];
  for (const [index, { der }] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(der));
    } catch {
      return bad("cert", `certificate ${index + 1} in it cannot be decoded`);
    }
  }
  const key = readKey(keyText);
  if ("reason" in key) return key;
  const leaf = certificates.find((certificate) => certificate.checkPrivateKey(key.key));
  if (leaf === undefined) return bad("key", "the private key does not belong to the certificate");
  return examine(certificates, leaf, key.key);
}

/** Why a certificate should not be used at the moment `now` (ms since 1970); undefined when its dates are good. */
export function dateProblem({ notBefore, notAfter }: InspectedPair, now: number): string | undefined {
  if (now < notBefore) return `it is not valid before ${new Date(notBefore).toISOString()}`;
  if (now >= notAfter) return `it expired at ${new Date(notAfter).toISOString()}`;
  return undefined;
}

function bad(part: "cert" | "key", reason: string): { reason: string; part: "cert" | "key" } {
  return { part, reason };
}

function readKey(text: string): { readonly key: KeyObject } | { readonly reason: string; readonly part: "key" } {
  const block = pemBlocks(text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined)
    return { part: "key", reason: "there is no private key in it: PEM with BEGIN PRIVATE KEY is expected" };
  if (isEncrypted(block)) {
    return {
      part: "key",
      reason: "the private key is encrypted; write it without a passphrase: openssl pkey -in IN -out OUT",
    };
  }
  try {
    return { key: createPrivateKey(block.text) };
  } catch {
    // OpenSSL's own words may quote what it read.
    return { part: "key", reason: "the private key cannot be decoded" };
  }
}

function isEncrypted({ label, text }: PemBlock): boolean {
  return label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(text);
}

function examine(certificates: readonly X509Certificate[], leaf: X509Certificate, key: KeyObject): PairResult {
  const kind = kindOfKey(key);
  if ("reason" in kind) return bad("key", kind.reason);
  const { chain, reordered, unrelated, root } = orderChain(certificates, leaf, isIssuer);
  const chainText = chain.map((certificate) => certificate.toString()).join("");
  const keyText = key.export({ type: "pkcs8", format: "pem" }) as string;
  try {
    // OpenSSL's security level has the last word, on signatures by SHA-1 for instance.
    createSecureContext({ cert: chainText, key: keyText });
  } catch (error) {
    return bad("cert", `OpenSSL refuses it: ${sslReason(error)}`);
  }
  const names = certificateNames(leaf);
  const warnings: string[] = [];
  if (reordered) warnings.push("its certificates are in the wrong order; they are sent in the right one");
  if (unrelated > 0) warnings.push(`${unrelated} of its certificates do not belong to the chain and are left out`);
  if (root) warnings.push("it contains the root, which clients do not need; it is left out");
  if (leaf.subjectAltName === undefined) warnings.push("it has no subjectAltName: most clients refuse it");
  const fingerprint = createHash("sha256").update(chainText).update(keyText).digest("hex");
  return {
    pair: {
      leaf,
      issuer: chain[1] ?? certificates.find((candidate) => candidate !== leaf && isIssuer(candidate, leaf)),
      names,
      ...kind,
      chain: chainText,
      key: keyText,
      fingerprint,
      notBefore: leaf.validFromDate.getTime(),
      notAfter: leaf.validToDate.getTime(),
    },
    warnings,
  };
}

function isIssuer(issuer: X509Certificate, subject: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function kindOfKey(key: KeyObject): Pick<InspectedPair, "keyType" | "keyStrength"> | { readonly reason: string } {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss":
      if (modulusLength < MIN_RSA_BITS) {
        return { reason: `the RSA key has ${modulusLength} bits; ${MIN_RSA_BITS} are needed at least` };
      }
      return { keyType: "rsa", keyStrength: `RSA ${modulusLength}` };
    case "ec":
      if (!CURVES.has(namedCurve)) return { reason: `keys on the curve ${namedCurve} are not used in TLS` };
      return { keyType: "ecdsa", keyStrength: `ECDSA ${namedCurve.replace(/^.*?(\d{3}).*$/, "P-$1")}` };
    case "ed25519":
      return { keyType: "ed25519", keyStrength: "Ed25519" };
    default:
      return { reason: `keys of the type ${key.asymmetricKeyType ?? "unknown"} are not supported` };
  }
}

/** The reason without OpenSSL's numbers and places. */
function sslReason(error: unknown): string {
  const { reason, message } = error as Error & { reason?: string };
  return reason ?? message.replace(/^error:[0-9A-F]+:[^:]*:[^:]*:/, "");
}
