import { X509Certificate } from "node:crypto";
import { checkServerIdentity } from "node:tls";

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
  if (verifyError) return failure(verifyError.message, verifyError.code);
  if (name === null) return null;
  if (raw === undefined) return failure("there is none", "ERR_TLS_NO_CERTIFICATE");
  if (name === "") return null;
  const mismatch = checkServerIdentity(name, new X509Certificate(raw).toLegacyObject() as never);
  if (mismatch === undefined) return null;
  return failure(mismatch.message, "ERR_TLS_CERT_ALTNAME_INVALID");
}

function failure(reason: string, code: string | undefined): Error & { code?: string } {
  const error = new Error(`the server's certificate is not good: ${reason}`);
  return code === undefined ? error : Object.assign(error, { code });
}
