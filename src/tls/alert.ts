/** Descriptions of alerts (RFC 8446 6.2, RFC 6066 3, RFC 7301 3.2). */
export const Alert = {
  unexpectedMessage: 10,
  recordOverflow: 22,
  illegalParameter: 47,
  decodeError: 50,
  protocolVersion: 70,
  internalError: 80,
  unrecognizedName: 112,
  noApplicationProtocol: 120,
} as const;

/** One of `Alert`. */
export type AlertDescription = (typeof Alert)[keyof typeof Alert];

/** Why bytes are not the beginning of a TLS connection, and what the peer is to be told. A value, never thrown. */
export interface TlsFault {
  readonly alert: AlertDescription;
  /** For logs: a phrase without anything that the peer has sent. */
  readonly reason: string;
}

/** The record of a fatal alert in clear, as it may be sent before any key is settled (RFC 8446 5.1, 6). */
export function fatalAlert(description: AlertDescription): Uint8Array {
  return Uint8Array.of(21, 3, 3, 0, 2, 2, description);
}
