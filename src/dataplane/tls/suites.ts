import { createSecureContext } from "node:tls";

/** TLS 1.3's suites as they are. */
export const SUITES_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/** Of TLS 1.2 only what has forward secrecy and authenticated encryption (RFC 9325 4.2). */
export const SUITES_12 = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** All of them, in OpenSSL's notation. */
export const SUITES = `${SUITES_13}:${SUITES_12}`;

/** Key exchange in the order of preference; the first one also withstands quantum computers. */
const GROUPS = ["X25519MLKEM768", "X25519", "P-256", "P-384"];

let usable: string | undefined;

/** GROUPS without those that this Node's OpenSSL does not know, in its notation. */
export function usableGroups(): string {
  return (usable ??= GROUPS.filter((group) => {
    try {
      createSecureContext({ ecdhCurve: group, ca: [] });
      return true;
    } catch {
      return false;
    }
  }).join(":"));
}
