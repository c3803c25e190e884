import type { FailureKind } from "../../core/acme/retry-delay.ts";

/*
 * A certificate authority that speaks ACME, as the rest of the control plane sees it. `adapters/acme-authority.ts` asks a real
 * one; tests have their own. Every call rejects with an AuthorityFailure when the authority refuses or cannot be reached, and
 * with the signal's reason when that fires.
 */

/** How an authority is reached. */
export interface AuthorityAddress {
  /** URL of the directory (RFC 8555 7.1.1). */
  readonly directory: string;
  /** PEM: who may have issued the authority's own certificate, besides the public ones. */
  readonly ca: readonly string[];
}

/** Who orders. */
export interface Account {
  /** PEM: the account's private key. */
  readonly key: string;
  /** The account's URL; null: none is known, so that it is asked for, and made where there is none (RFC 8555 7.3). */
  readonly url: string | null;
  readonly email: string | null;
  /** External account binding (RFC 8555 7.3.4); the key is base64url. */
  readonly external: { readonly keyId: string; readonly hmacKey: string } | null;
}

export type OrderStatus = "pending" | "ready" | "processing" | "valid" | "invalid";

/** An order (RFC 8555 7.1.3). */
export interface Order {
  readonly url: string;
  readonly status: OrderStatus;
  /** URLs. */
  readonly authorizations: readonly string[];
  readonly finalize: string;
  /** Once it is valid; else null. */
  readonly certificate: string | null;
  /** Why it is invalid; null when the authority did not say. */
  readonly problem: string | null;
  /** When to ask again, in ms; null when the authority did not say. */
  readonly retryAfter: number | null;
}

export interface Challenge {
  /** `http-01`, `tls-alpn-01`, `dns-01`, or one that we do not know. */
  readonly type: string;
  readonly url: string;
  readonly token: string;
}

/** Whether control of one name has been shown (RFC 8555 7.1.4). */
export interface Authorization {
  /** Without `*.`. */
  readonly name: string;
  readonly status: "pending" | "valid" | "invalid" | "deactivated" | "expired" | "revoked";
  readonly challenges: readonly Challenge[];
  /** What went wrong; null when nothing did, or the authority did not say. */
  readonly problem: string | null;
  readonly retryAfter: number | null;
}

/** Renewal information (RFC 9773 4.2). Times are ms since 1970-01-01 UTC. */
export interface RenewalInfo {
  readonly start: number;
  readonly end: number;
  /** A page that says why; null for none. */
  readonly explanation: string | null;
  /** When to ask again, in ms; null when the authority did not say. */
  readonly retryAfter: number | null;
}

/** An account's dealings with its authority. */
export interface AuthoritySession {
  /** URL of the account. */
  readonly account: string;
  /** @param replaces which certificate it is to follow (RFC 9773 5); null for none. Only for authorities with renewal information */
  newOrder(names: readonly string[], replaces: string | null): Promise<Order>;
  order(url: string): Promise<Order>;
  authorization(url: string): Promise<Authorization>;
  /** What proves that the account was meant (RFC 8555 8.1). */
  keyAuthorization(token: string): Promise<string>;
  /** The challenge can be looked at. */
  respond(challengeUrl: string): Promise<void>;
  /** @param csr DER of the certificate signing request (PKCS#10) */
  finalize(order: Order, csr: Uint8Array): Promise<Order>;
  /** PEM: the certificate and the intermediate ones. */
  certificate(url: string): Promise<string>;
}

export interface Authority {
  /** Begins dealings: reads the directory, and finds or makes the account. */
  open(address: AuthorityAddress, account: Account, signal: AbortSignal): Promise<AuthoritySession>;
  /** When a certificate should be renewed; null when the authority has no renewal information. */
  renewalInfo(address: AuthorityAddress, certificateId: string, signal: AbortSignal): Promise<RenewalInfo | null>;
  /** Closes what is kept open. */
  close(): void;
}

/** What the authority refused, or that it could not be reached. */
export interface AuthorityFailure extends Error {
  readonly failure: FailureKind;
  /** Type of problem without its prefix, as `rateLimited` (RFC 8555 6.7); null when the authority did not say. */
  readonly problem: string | null;
  readonly retryAfter: number | null;
}

export function isAuthorityFailure(error: unknown): error is AuthorityFailure {
  return error instanceof Error && "failure" in error;
}
