import type { TlsSession } from "./tls-session.ts";

/** A handshake as it usually ends, for tests of what comes after it. */
export function testSession(changes: Partial<TlsSession> = {}): TlsSession {
  return {
    version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    alpn: "http/1.1",
    serverName: "example.test",
    resumed: false,
    handshakeTime: 2,
    client: null,
    serves: () => true,
    ...changes,
  };
}
