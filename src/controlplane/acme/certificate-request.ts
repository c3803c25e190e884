import { KeyObject, webcrypto } from "node:crypto";
import type { AcmeConfig } from "../../config/tls-schema.ts";
import { loadX509 } from "./x509.ts";

const algorithms = {
  ec256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  ec384: { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  rsa2048: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: Uint8Array.of(1, 0, 1),
  },
} as const;

export interface CertificateRequest {
  /** DER of the PKCS#10 request. */
  readonly csr: Uint8Array;
  /** PEM of the private key, which was made for this request. */
  readonly key: string;
}

/** A pair of keys of Web Crypto's, made anew. */
export function newKeys(type: AcmeConfig["keyType"]): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithms[type], true, ["sign", "verify"]) as Promise<webcrypto.CryptoKeyPair>;
}

/** The algorithm that keys of this type sign with. */
export function signingAlgorithm(type: AcmeConfig["keyType"]) {
  return algorithms[type];
}

export function privateKeyPem(keys: webcrypto.CryptoKeyPair): string {
  return KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" }) as string;
}

/**
 * A request for a certificate with a new private key. The names stand in subjectAltName alone (RFC 8555 7.4 takes either): a
 * common name has room for 64 characters and is of no use to today's clients.
 */
export async function newRequest(names: readonly string[], type: AcmeConfig["keyType"]): Promise<CertificateRequest> {
  const { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } = await loadX509();
  const keys = await newKeys(type);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: signingAlgorithm(type),
    extensions: [new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns", value })))],
  });
  return { csr: new Uint8Array(request.rawData), key: privateKeyPem(keys) };
}
