import { isAuthorityFailure, type AuthorityFailure } from "./authority.ts";
import type { FailureKind } from "../../core/acme/retry-delay.ts";

/** What became of an attempt, for the next one and for people. */
export interface Refusal {
  readonly kind: FailureKind;
  readonly reason: string;
  readonly retryAfter: number | null;
}

/** Any failure of an order. Everything that did not come from the authority is ours: a hook, a file, a bug. */
export function refusalOf(error: unknown): Refusal {
  if (isAuthorityFailure(error)) return { kind: error.failure, reason: error.message, retryAfter: error.retryAfter };
  const reason = error instanceof Error ? error.message : String(error);
  // A hook may have written anything.
  // oxlint-disable-next-line no-control-regex -- control characters have no place in a log
  return { kind: "refused", reason: reason.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " "), retryAfter: null };
}

/** True when the authority refused for one of these reasons (RFC 8555 6.7, RFC 9773 7.4). */
export function isProblem(error: unknown, ...problems: readonly string[]): error is AuthorityFailure {
  return isAuthorityFailure(error) && error.problem !== null && problems.includes(error.problem);
}
