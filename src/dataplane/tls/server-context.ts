import { constants, createHash } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { ClientAuthorities } from "../../config/tls-material.ts";
import type { TlsVersion } from "../../config/tls-schema.ts";
import { SUITES_12, SUITES_13, usableGroups } from "./suites.ts";
import type { TicketKeys } from "./ticket-keys.ts";

/** Longest life of a ticket in s (RFC 8446 4.6.1). */
const MAX_TICKET_LIFE = 604_800;

/** `SSL_OP_…`: the server chooses, except that clients whose first choice is ChaCha20 (no AES in hardware) get that. */
const OPTIONS =
  constants.SSL_OP_CIPHER_SERVER_PREFERENCE |
  constants.SSL_OP_PRIORITIZE_CHACHA |
  constants.SSL_OP_NO_RENEGOTIATION |
  constants.SSL_OP_NO_COMPRESSION;

/** What all contexts of a listener have in common. */
export interface ContextSettings {
  readonly listener: string;
  readonly minVersion: TlsVersion;
  /** Cipher suites of TLS 1.2 in OpenSSL's notation; undefined for the usual ones. */
  readonly ciphers: string | undefined;
  /** Who may have issued client certificates; null when none are asked for. */
  readonly authorities: ClientAuthorities | null;
  /** How long tickets are good, in ms. */
  readonly ticketLife: number;
  /** Without any keys there are no tickets. */
  readonly tickets: TicketKeys;
}

/** The options of node:tls for a certificate; its `secureContext` and its servers take the same ones. */
export function contextOptions(chain: string, key: string, settings: ContextSettings): SecureContextOptions {
  const { authorities, tickets } = settings;
  const options: SecureContextOptions = {
    cert: chain,
    key,
    minVersion: settings.minVersion,
    maxVersion: "TLSv1.3",
    ciphers: `${SUITES_13}:${settings.ciphers ?? SUITES_12}`,
    ecdhCurve: usableGroups(),
    honorCipherOrder: true,
    secureOptions: OPTIONS | (tickets.length === 0 ? constants.SSL_OP_NO_TICKET : 0),
    sessionIdContext: sessionContext(settings),
    sessionTimeout: Math.min(MAX_TICKET_LIFE, Math.ceil(settings.ticketLife / 1000)),
    // Without this all public authorities are loaded, and stand for client certificates.
    ca: authorities === null ? [] : [...authorities.ca],
  };
  if (authorities !== null && authorities.crl.length > 0) options.crl = [...authorities.crl];
  const newest = tickets.newest;
  if (newest !== undefined) options.ticketKeys = newest;
  return options;
}

/** A context for handshakes. Throws when the certificate and the key are not in order, without quoting them. */
export function serverContext(chain: string, key: string, settings: ContextSettings): SecureContext {
  const context = createSecureContext(contextOptions(chain, key, settings));
  if (settings.tickets.length > 0) settings.tickets.serve(context);
  return context;
}

/**
 * A ticket holds the client's certificate as verified, which is not done again when it is used. So tickets are good only
 * as long as the same authorities and revocation lists hold.
 */
function sessionContext({ listener, authorities }: ContextSettings): string {
  const hash = createHash("sha256").update(
    JSON.stringify([listener, authorities?.ca ?? null, authorities?.crl ?? null]),
  );
  return hash.digest("hex").slice(0, 32);
}
