import type net from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { ServerCertificate } from "./server-certificate.ts";
import type { Settled } from "./server-session.ts";

/** What a handshake is to be like. */
export interface PlainSettings {
  readonly certificate: ServerCertificate;
  readonly protocols: readonly string[];
  /** No connection without a client's certificate. */
  readonly requiresClient: boolean;
  /** DER of the response of OCSP to be shown. */
  readonly ocsp: Uint8Array | null;
}

/** What a handshake by node:tls leads to: one of the two is called, once. */
export interface PlainOutcome {
  secure(socket: TLSSocket, settled: Settled, authorizationError: string | null): void;
  failed(error: Error | undefined): void;
}

/**
 * A server's handshake with nothing but what node:tls documents, for where handles cannot be had. A server is made for
 * each connection, because it holds what is settled per handshake: certificate, protocols, OCSP response.
 *
 * @param bytes what was read from the socket already
 */
export function acceptPlain(
  below: net.Socket,
  bytes: Buffer,
  { certificate, protocols, requiresClient, ocsp }: PlainSettings,
  outcome: PlainOutcome,
): void {
  const server = createServer({
    ...certificate.options,
    ALPNProtocols: [...protocols],
    requestCert: certificate.asksClient,
    rejectUnauthorized: requiresClient,
  });
  let over = false;
  const fail = (error: Error | undefined) => {
    if (over) return;
    over = true;
    outcome.failed(error);
  };
  if (ocsp !== null) server.on("OCSPRequest", (_certificate, _issuer, callback) => callback(null, Buffer.from(ocsp)));
  server.on("tlsClientError", (error) => {
    below.destroy();
    fail(error);
  });
  server.on("secureConnection", (socket) => {
    if (over) return;
    over = true;
    const { raw } = socket.getPeerCertificate();
    outcome.secure(
      socket,
      {
        version: socket.getProtocol() ?? "",
        cipher: socket.getCipher().name,
        alpn: socket.alpnProtocol || "",
        resumed: socket.isSessionReused(),
        clientCertificate: raw ?? null,
      },
      raw === undefined || socket.authorized ? null : String(socket.authorizationError),
    );
  });
  below.on("close", () => fail(undefined));
  below.on("error", () => undefined);
  below.unshift(bytes);
  server.emit("connection", below);
}
