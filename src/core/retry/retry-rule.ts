import type { ProxyError } from "../errors.ts";
import { GrpcStatus } from "../grpc/status.ts";

/** Methods whose requests may be sent twice with the same effect as once (RFC 9110 9.2.2). */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** Whether the method, in its exact spelling, is one that RFC 9110 9.2.2 calls idempotent. */
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

/** What a further try may follow upon, as the configuration names it. */
type Condition = "connect" | "reset" | "timeout" | "bad_response" | "status" | GrpcCondition;

/** gRPC statuses of answers that are nothing but a status, as conditions. */
const grpcConditions = {
  grpc_cancelled: GrpcStatus.cancelled,
  grpc_deadline_exceeded: GrpcStatus.deadlineExceeded,
  grpc_resource_exhausted: GrpcStatus.resourceExhausted,
  grpc_internal: GrpcStatus.internal,
  grpc_unavailable: GrpcStatus.unavailable,
} as const;
type GrpcCondition = keyof typeof grpcConditions;

/** The condition that each failure of a try falls under; failures that are not here are never tried again. */
const conditionOf: ReadonlyMap<string, Condition> = new Map<string, Condition>([
  ["connect_failed", "connect"],
  ["connect_timeout", "connect"],
  ["server_gone", "connect"],
  ["refused_stream", "connect"],
  ["connection_lost", "reset"],
  ["server_silent", "reset"],
  ["server_removed", "reset"],
  ["response_timeout", "timeout"],
  ["try_timeout", "timeout"],
  ["bad_response", "bad_response"],
  ["response_truncated", "bad_response"],
]);

/** Statuses have three digits. */
const statusEnd = 1000;

/** The part of a pool's `retries` that decides whether a failure may be tried again. */
export interface RetryRuleConfig {
  /** Most further tries; 0 turns them off. */
  readonly attempts: number;
  readonly on: readonly Condition[];
  readonly statuses: readonly number[];
  readonly nonIdempotent: boolean;
}

/**
 * Which failures of a try another server may make good. Of a method that is not idempotent only such failures that
 * left the request unsent (class `always`), unless the pool says `nonIdempotent`. Bodies, budgets and the number of
 * tries are the caller's concern.
 */
export class RetryRule {
  /** Most further tries; with 0 nothing is allowed. */
  readonly attempts: number;
  /** Whether gRPC statuses matter at all. */
  readonly readsGrpc: boolean;
  readonly #nonIdempotent: boolean;
  readonly #codes = new Set<string>();
  readonly #statuses = new Uint8Array(statusEnd);
  /** As texts, which is what a field has. */
  readonly #grpc = new Set<string>();

  constructor({ attempts, on, statuses, nonIdempotent }: RetryRuleConfig) {
    this.attempts = attempts;
    this.#nonIdempotent = nonIdempotent;
    this.readsGrpc = attempts !== 0 && on.some((condition) => condition in grpcConditions);
    if (attempts === 0) return;
    for (const [code, condition] of conditionOf) if (on.includes(condition)) this.#codes.add(code);
    for (const condition of on)
      if (condition in grpcConditions) this.#grpc.add(String(grpcConditions[condition as GrpcCondition]));
    if (on.includes("status")) for (const status of statuses) this.#statuses[status] = 1;
  }

  /** Whether a request of this method that failed with `error` before any of an answer came may go to another server. */
  allowsError(error: ProxyError, method: string): boolean {
    if (error.retry === "never" || !this.#codes.has(error.code)) return false;
    return error.retry === "always" || this.#nonIdempotent || IDEMPOTENT.has(method);
  }

  /**
   * Whether an answer that is nothing but this gRPC status (a value of the field grpc-status; undefined for no such
   * answer) asks for another try. The method, which is always POST, does not matter: the operator knows what it calls.
   */
  allowsGrpc(status: string | undefined): boolean {
    return status !== undefined && this.#grpc.has(status);
  }

  /** Whether an answer with this status asks for another try. For every answer: allocates nothing. */
  allowsStatus(status: number, method: string): boolean {
    return this.#statuses[status] === 1 && (this.#nonIdempotent || IDEMPOTENT.has(method));
  }
}
