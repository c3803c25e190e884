/** What grpc.health.v1.HealthCheckResponse can say: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
export const servingStatuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
export type ServingStatus = (typeof servingStatuses)[number];

/** Bytes before each message: compressed or not, and its length. */
const PREFIX = 5;
const MAX_MESSAGE = 4096;

/** A HealthCheckRequest (field 1: service) as a message of gRPC. */
export function encodeHealthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  // Field 1 of wire type 2 (length-delimited) is 0x0a.
  const body = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...encodeVarint(name.length)]), name]);
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/**
 * The status in an answer of one message (HealthCheckResponse, field 1: status); fields that it does not know are
 * skipped. A text says what is wrong.
 */
export function decodeHealthResponse(bytes: Buffer): { readonly status: ServingStatus | number } | string {
  if (bytes.length < PREFIX) return "an answer without a message";
  if (bytes[0] !== 0) return "a compressed message, which was not asked for";
  const length = bytes.readUInt32BE(1);
  if (length > MAX_MESSAGE || bytes.length !== PREFIX + length) return "a message of an impossible length";
  const reader = { bytes, at: PREFIX };
  let status = 0;
  while (reader.at < bytes.length) {
    const tag = readVarint(reader);
    if (tag === undefined) return "a malformed message";
    const value = readField(reader, tag & 7);
    if (value === undefined) return "a malformed message";
    if (tag === 0x08) status = value;
  }
  return { status: servingStatuses[status] ?? status };
}

interface Reader {
  readonly bytes: Buffer;
  at: number;
}

/** The value of a varint field, or 0 for one that is skipped; undefined when it is malformed. */
function readField(reader: Reader, wireType: number): number | undefined {
  if (wireType === 0) return readVarint(reader);
  const length = wireType === 1 ? 8 : wireType === 5 ? 4 : wireType === 2 ? readVarint(reader) : undefined;
  if (length === undefined || reader.at + length > reader.bytes.length) return undefined;
  reader.at += length;
  return 0;
}

function readVarint(reader: Reader): number | undefined {
  let value = 0;
  for (let shift = 0; shift < 10; shift++) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) return undefined;
    value += (byte & 127) * 2 ** (7 * shift);
    if (byte < 128) return value;
  }
  return undefined;
}
