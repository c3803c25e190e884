import type { Settled } from "./server-session.ts";
import type { TlsHandle } from "./tls-bindings.ts";

/** What a finished handshake says of itself, and what is wrong with the client's certificate, if it was asked for one. */
export function settledOf(handle: TlsHandle, asksClient: boolean): { settled: Settled; error: string | null } {
  const raw = asksClient ? handle.getPeerCertificate(false)?.["raw"] : undefined;
  const certificate = raw instanceof Uint8Array ? raw : null;
  const error = certificate === null ? null : handle.verifyError();
  return {
    settled: {
      version: handle.getProtocol(),
      cipher: handle.getCipher().name,
      alpn: handle.getALPNNegotiatedProtocol() || "",
      resumed: handle.isSessionReused(),
      clientCertificate: certificate,
    },
    error: error?.code ?? error?.message ?? null,
  };
}
