import type { CertificateMaterial } from "../../config/tls-material.ts";
import type { ClientHello } from "../../tls/client-hello.ts";
import type { Candidates } from "./certificate-index.ts";

const TLS_1_3 = 0x0304;
/** Signature schemes of RFC 8446 4.2.3 for ECDSA on P-256, P-384 and P-521; ed25519. */
const ECDSA = [0x0403, 0x0503, 0x0603];
const ED25519 = 0x0807;
/** The suites with ECDSA that we speak in TLS 1.2: AES-GCM and ChaCha20-Poly1305 (RFC 5289, 7905). */
const ECDSA_SUITES = [0xc02b, 0xc02c, 0xcca9];

/**
 * The certificate whose key a client can make use of: ECDSA is cheaper for both, and smaller, so it comes first where
 * it is supported; RSA is for the others. What the client says nothing about gets RSA.
 */
export function chooseByKey(candidates: Candidates, hello: ClientHello): CertificateMaterial {
  const [first] = candidates;
  if (candidates.length === 1) return first!;
  const elliptic = hello.versions.includes(TLS_1_3) || hello.cipherSuites.some((suite) => ECDSA_SUITES.includes(suite));
  for (const keyType of ["ecdsa", "ed25519", "rsa"] as const) {
    const certificate = candidates.find((candidate) => candidate.keyType === keyType);
    if (certificate === undefined) continue;
    if (keyType === "rsa") return certificate;
    const { signatureSchemes } = hello;
    const signs =
      keyType === "ecdsa"
        ? signatureSchemes.some((scheme) => ECDSA.includes(scheme))
        : signatureSchemes.includes(ED25519);
    if (elliptic && signs) return certificate;
  }
  return first!;
}
