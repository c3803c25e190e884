import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { connect, createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { Type } from "typebox";
import { duration, Flag } from "../../../config/fields.ts";
import type { ProbeAddress, ProbeResult } from "../../../core/health/probe.ts";
import type { Connect } from "./connection.ts";
import { degraded, unhealthy, type ProbeDetails } from "./outcome.ts";

export interface TlsSettings {
  readonly serverName?: string | undefined;
  readonly ca?: string | undefined;
  readonly verify: boolean;
  /** Milliseconds; 0 is off. */
  readonly minimumValidity: number;
}

/** The settings of checks over TLS. */
export function tlsFields(minimumValidity: string) {
  return {
    serverName: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description: "name that is asked for (SNI) and that the certificate must have",
      }),
    ),
    ca: Type.Optional(
      Type.String({
        minLength: 1,
        description: "trusted certificates as PEM, such as ${file:ca.pem}; default: the usual authorities",
      }),
    ),
    verify: Flag(true, "refuse a certificate that is not trusted, expired or of another name"),
    minimumValidity: duration(
      minimumValidity,
      "a certificate that expires sooner makes the server degraded, an expired one unhealthy; 0 is off",
    ),
  };
}

/** Why settings make no sense together; see `ProbeDefinition.problem`. */
export function tlsProblem({ ca, serverName, verify }: TlsSettings): string | undefined {
  if (serverName !== undefined && isIP(serverName) !== 0) return "`serverName` is a name, not an address";
  if (ca === undefined) return undefined;
  if (!verify) return "`ca` has no effect with `verify: false`";
  if (!ca.includes("-----BEGIN CERTIFICATE-----"))
    return "`ca` is not a certificate as PEM; for a file write ${file:PATH}";
  try {
    void new X509Certificate(ca);
    return undefined;
  } catch {
    return "`ca` is not a certificate as PEM";
  }
}

/** Made once for each settings: reading certificates takes longer than a check. */
const contexts = new WeakMap<TlsSettings, SecureContext>();

/**
 * Connects over TLS. The certificate is not judged here but by `judgeCertificate`, which must come before anything is
 * sent: only so can the reason for a refusal name the certificate.
 *
 * @param alpn protocols that are offered
 */
export function connectTls(settings: TlsSettings, alpn: string[], name = settings.serverName): Connect {
  let secureContext = contexts.get(settings);
  if (secureContext === undefined) contexts.set(settings, (secureContext = createSecureContext({ ca: settings.ca })));
  return (address) => ({
    socket: connect({
      ...(address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port }),
      servername: name ?? nameOf(address),
      ALPNProtocols: alpn,
      secureContext,
      rejectUnauthorized: false,
    }),
    ready: "secureConnect",
  });
}

/** The server's name, if it has one; an address cannot be asked for (RFC 6066 section 3). */
function nameOf(address: ProbeAddress): string | undefined {
  return address.kind === "tcp" && isIP(address.host) === 0 ? address.host : undefined;
}

/** What the certificate says about the server. */
export interface CertificateJudgement {
  /** Unhealthy or degraded; undefined when nothing is wrong. */
  readonly result: ProbeResult | undefined;
  readonly details: ProbeDetails;
}

/**
 * Judges the certificate of a connection whose handshake is done.
 *
 * @param now milliseconds since 1970
 */
export function judgeCertificate(socket: TLSSocket, settings: TlsSettings, now: number): CertificateJudgement {
  const expires = socket.getPeerX509Certificate()?.validToDate.getTime() ?? Number.NaN;
  const details: ProbeDetails = {
    ...(Number.isNaN(expires) ? {} : { certificateExpires: new Date(expires).toISOString() }),
    protocol: socket.getProtocol() ?? "unknown",
  };
  return { result: findFault(socket, settings, expires, now, details), details };
}

function findFault(
  socket: TLSSocket,
  { verify, minimumValidity }: TlsSettings,
  expires: number,
  now: number,
  details: ProbeDetails,
): ProbeResult | undefined {
  if (expires <= now && (verify || minimumValidity > 0)) {
    return unhealthy(`the certificate expired on ${dayOf(expires)}`, details);
  }
  if (verify && !socket.authorized) return unhealthy(distrust(String(socket.authorizationError)), details);
  if (minimumValidity > 0 && expires - now < minimumValidity) {
    return degraded(`the certificate expires on ${dayOf(expires)}`, details);
  }
  return undefined;
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

const DISTRUST: ReadonlyMap<string, string> = new Map([
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "it is self-signed and not among the trusted ones (`ca`)"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its authority is not among the trusted ones (`ca`)"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "its authority is not among the trusted ones (`ca`)"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its authority is not among the trusted ones (`ca`)"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "it is for another name (`serverName`)"],
  ["CERT_NOT_YET_VALID", "it is not valid yet"],
]);

function distrust(code: string): string {
  return `the certificate is not trusted: ${DISTRUST.get(code) ?? code}`;
}
