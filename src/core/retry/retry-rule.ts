import type { ProxyError } from "../errors.ts";

/** Methods whose requests may be sent twice with the same effect as once (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/**
 * Whether a request that failed with `error` may be sent again.
 *
 * @param repeatable the request's body is still at hand, or it has none
 */
export function mayRetry(error: ProxyError, method: string, repeatable: boolean): boolean {
  if (!repeatable || error.retry === "never") return false;
  return error.retry === "always" || isIdempotent(method);
}
