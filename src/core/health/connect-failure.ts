/**
 * What a failure to connect says about the server: that it cannot be reached, or not trusted; nothing for certain, unless
 * it happens again; or nothing at all, because this machine was short of something or forbade it.
 */
export type ConnectVerdict = "unreachable" | "untrusted" | "doubtful" | "local";

/** Codes with which the server's side, or the network on the way to it, has answered: there is nobody to talk to. */
const CERTAIN: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  // No unix socket at the path.
  "ENOENT",
  // The system itself has given up, after two minutes.
  "ETIMEDOUT",
]);

/**
 * What OpenSSL (`X509_V_ERR_*`, without that beginning) and Node say of a certificate that cannot be trusted. Trying again
 * shows the same certificate.
 */
const CERTIFICATE: ReadonlySet<string> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_CHAIN_TOO_LONG",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "PATH_LENGTH_EXCEEDED",
  "HOSTNAME_MISMATCH",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** Codes that are about this machine: descriptors, ports, memory, its own rules, or a call that was cancelled. */
const LOCAL: ReadonlySet<string> = new Set([
  "EMFILE",
  "ENFILE",
  "EADDRNOTAVAIL",
  "EADDRINUSE",
  "ENOBUFS",
  "ENOMEM",
  "EACCES",
  "EPERM",
  "EAGAIN",
  "EALREADY",
  "EINVAL",
  "EBADF",
  "EINTR",
  "EAFNOSUPPORT",
  "ECANCELED",
  "ABORT_ERR",
]);

/** @param code the system's code, or "timeout" for one that took longer than `connectTimeout` */
export function connectVerdict(code: string | undefined): ConnectVerdict {
  if (code === undefined) return "doubtful";
  if (CERTAIN.has(code)) return "unreachable";
  if (CERTIFICATE.has(code)) return "untrusted";
  return LOCAL.has(code) ? "local" : "doubtful";
}

/**
 * Whether it failed above TCP, in the handshake of TLS or of HTTP/2: that a connection of TCP can be made says nothing then.
 * All codes of OpenSSL, node:tls and our own begin like this, and none of the system's does.
 */
export function failedInHandshake(code: string | undefined): boolean {
  return code !== undefined && code.startsWith("ERR_");
}

/** Doubtful failures in a row, other than timeouts, that make a server unreachable. */
export const DOUBTS = 2;

/** Round trips that must be lost one after the other before loss alone is no explanation any more. */
const LOST_ROUND_TRIPS = 6;

/** Part of the timeout in ms that the last SYN needs for its round trip to count. */
const ROUND_TRIP = 250;

/**
 * How many timeouts in a row, without a success between them, make a server unreachable. A SYN is sent at 0, 1, 3, 7, …
 * seconds (RFC 6298 2.1 and 5.5: the first timeout is 1 s and doubles). With 1 % loss each way a round trip is lost once
 * in 50 times, six in a row once in 15 thousand million; so many must be lost: 6 timeouts below 1.25 s, 3 below 3.25 s,
 * 2 below 31.25 s, above it one.
 *
 * @param timeout of one attempt, in ms
 */
export function timeoutsNeeded(timeout: number): number {
  const roundTrips = 1 + Math.floor(Math.log2(1 + Math.max(0, timeout - ROUND_TRIP) / 1000));
  return Math.max(1, Math.ceil(LOST_ROUND_TRIPS / roundTrips));
}
