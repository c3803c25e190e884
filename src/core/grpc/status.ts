/** Status codes of gRPC calls (the gRPC project's document "Status codes and their use in gRPC"). */
export const GrpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus];

const byHttpStatus: ReadonlyMap<number, GrpcStatus> = new Map<number, GrpcStatus>([
  [400, GrpcStatus.internal],
  [401, GrpcStatus.unauthenticated],
  [403, GrpcStatus.permissionDenied],
  [404, GrpcStatus.unimplemented],
  [429, GrpcStatus.unavailable],
  [502, GrpcStatus.unavailable],
  [503, GrpcStatus.unavailable],
  [504, GrpcStatus.unavailable],
]);

/**
 * What a gRPC client makes of an answer without a grpc-status ("HTTP to gRPC status code mapping" of the gRPC project):
 * for answers of others. What our own errors become says `grpcStatusOf`.
 */
export function grpcStatusOfHttp(status: number): GrpcStatus {
  return byHttpStatus.get(status) ?? GrpcStatus.unknown;
}

/** Statuses of our own errors, where they tell more than the mapping above. */
const byOwnStatus: ReadonlyMap<number, GrpcStatus> = new Map<number, GrpcStatus>([
  [408, GrpcStatus.deadlineExceeded],
  [413, GrpcStatus.resourceExhausted],
  [414, GrpcStatus.resourceExhausted],
  [421, GrpcStatus.unavailable],
  [429, GrpcStatus.resourceExhausted],
  [431, GrpcStatus.resourceExhausted],
  [499, GrpcStatus.cancelled],
  [500, GrpcStatus.internal],
  [501, GrpcStatus.unimplemented],
  [504, GrpcStatus.deadlineExceeded],
]);

/** Errors for which their HTTP status is no guide. */
const byCode: ReadonlyMap<string, GrpcStatus> = new Map<string, GrpcStatus>([
  // Nothing has reached a server, or the server is gone: worth another try, which "deadline exceeded" is not.
  ["connect_timeout", GrpcStatus.unavailable],
  ["server_silent", GrpcStatus.unavailable],
  // Limits. Clients that try again on "unavailable" by themselves should not do so here: it would make things worse.
  ["overloaded", GrpcStatus.resourceExhausted],
  ["queue_full", GrpcStatus.resourceExhausted],
  ["queue_timeout", GrpcStatus.resourceExhausted],
  ["concurrency_limited", GrpcStatus.resourceExhausted],
]);

/** The gRPC status of an error of our own, by its code and the HTTP status that others would get. */
export function grpcStatusOf(error: { readonly code: string; readonly status: number }): GrpcStatus {
  return byCode.get(error.code) ?? byOwnStatus.get(error.status) ?? grpcStatusOfHttp(error.status);
}

/** Statuses with which a server says that it is at fault, and their nearest relatives in HTTP. */
const faults: ReadonlyMap<string, number> = new Map([
  // UNKNOWN: an exception in the server's code. DATA_LOSS.
  ["2", 500],
  ["13", 500],
  ["14", 503],
  ["15", 500],
]);

const STATUS_LINE = /(?:^|\n)grpc-status:[ \t]*(\d+)/i;

/**
 * What a gRPC status says about the server, as an HTTP status, so that failing calls count as failures where answers do:
 * 500 or 503; 200 for a good answer, or for what is the client's business (its deadline, its arguments).
 *
 * @param status value of a grpc-status field; undefined for none
 */
export function serverFault(status: string | undefined): number {
  return (status === undefined ? undefined : faults.get(status)) ?? 200;
}

/** The grpc-status in trailers, which are complete lines. */
export function statusInTrailers(trailers: string): string | undefined {
  return STATUS_LINE.exec(trailers)?.[1];
}
