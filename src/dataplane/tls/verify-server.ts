import { X509Certificate } from "node:crypto";
import { checkServerIdentity } from "node:tls";

/** Codes of OpenSSL for a chain that does not end at one of the trusted authorities. */
const UNTRUSTED = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

/**
 * What is wrong with a server's certificate; null when nothing is.
 *
 * @param verifyError what OpenSSL says about its chain and dates
 * @param raw DER
 * @param name host name or IP address that must be in it, "" for none; null when a session with a verified server goes on,
 *   in which no certificate is shown
 */
export function verifyServer(
  verifyError: (Error & { code?: string }) | null | undefined,
  raw: Uint8Array | undefined,
  name: string | null,
): (Error & { code?: string }) | null {
  if (verifyError) return failure(verifyReason(verifyError), verifyError.code);
  if (name === null) return null;
  if (raw === undefined) return failure("there is none", "ERR_TLS_NO_CERTIFICATE");
  if (name === "") return null;
  const mismatch = checkServerIdentity(name, new X509Certificate(raw).toLegacyObject() as never);
  if (mismatch === undefined) return null;
  return failure(mismatch.message, "ERR_TLS_CERT_ALTNAME_INVALID");
}

/** What OpenSSL says, without what Node.js advises its own users, and with what to do here. */
function verifyReason({ message, code }: Error & { code?: string }): string {
  const reason = message.replace(/; if the root CA is installed locally.*$/, "");
  return code !== undefined && UNTRUSTED.has(code)
    ? `${reason}: its authority is not one of \`upstream.tls.ca\` (the public ones where there are none)`
    : reason;
}

function failure(reason: string, code: string | undefined): Error & { code?: string } {
  const error = new Error(`the server's certificate is not good: ${reason}`);
  return code === undefined ? error : Object.assign(error, { code });
}
