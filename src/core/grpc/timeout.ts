const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const milliseconds: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/**
 * The time that a `grpc-timeout` field gives a call, in ms: one to eight digits and a unit, H, M, S, m, u or n
 * ("Timeout" in gRPC over HTTP/2). Undefined for no field and for one that is malformed, which is the server's to refuse.
 */
export function grpcDeadline(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const match = TIMEOUT.exec(value);
  return match === null ? undefined : Number(match[1]) * milliseconds[match[2]!]!;
}
