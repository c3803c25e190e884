/** Types of frames (RFC 9113 section 6; PRIORITY_UPDATE: RFC 9218 7.1). */
export const FrameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
  priorityUpdate: 16,
} as const;

export const END_STREAM = 1;
export const END_HEADERS = 4;
export const PADDED = 8;

/** A frame with any type, flags, stream and payload. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A number of 32 bits, as the payload of RST_STREAM and WINDOW_UPDATE. */
export function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SETTINGS: identifiers and values in turn. */
export function settings(...pairs: readonly number[]): Buffer {
  const payload = Buffer.alloc(pairs.length * 3);
  for (let i = 0; i < pairs.length; i += 2) {
    payload.writeUInt16BE(pairs[i]!, i * 3);
    payload.writeUInt32BE(pairs[i + 1]!, i * 3 + 2);
  }
  return frame(FrameTypes.settings, 0, 0, payload);
}

export const windowUpdate = (stream: number, increment: number): Buffer =>
  frame(FrameTypes.windowUpdate, 0, stream, number32(increment));

export const rstStream = (stream: number, code = 8): Buffer => frame(FrameTypes.rstStream, 0, stream, number32(code));

export const ping = (): Buffer => frame(FrameTypes.ping, 0, 0, Buffer.alloc(8));

export const goAway = (last = 0, code = 0): Buffer =>
  frame(FrameTypes.goAway, 0, 0, Buffer.concat([number32(last), number32(code)]));

export function data(stream: number, content: string | Uint8Array, end = false): Buffer {
  return frame(FrameTypes.data, end ? END_STREAM : 0, stream, Buffer.from(content as Uint8Array));
}

function integer(value: number, prefix: number): number[] {
  const most = 2 ** prefix - 1;
  if (value < most) return [value];
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

/** A field as a literal that is not indexed, without Huffman's code (RFC 7541 6.2.2). Text is latin1. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, ...integer(name.length, 7)]),
    Buffer.from(name, "latin1"),
    Buffer.from(integer(value.length, 7)),
    Buffer.from(value, "latin1"),
  ]);
}

/** A field as a literal that goes into the table (RFC 7541 6.2.1). */
export function indexedLiteral(name: string, value: string): Buffer {
  const bytes = literal(name, value);
  bytes[0] = 0x40;
  return bytes;
}

/** A field: name and value, exactly as they are to be sent. */
export type RawField = readonly [name: string, value: string];

/** A header block of literals. */
export const block = (fields: readonly RawField[]): Buffer =>
  Buffer.concat(fields.map(([name, value]) => literal(name, value)));

/** HEADERS with a whole block. */
export function headers(stream: number, fields: readonly RawField[] | Uint8Array, end = true): Buffer {
  const payload = fields instanceof Uint8Array ? fields : block(fields);
  return frame(FrameTypes.headers, END_HEADERS | (end ? END_STREAM : 0), stream, payload);
}

/** The fields of a request. */
export const request = (path = "/", ...more: readonly RawField[]): RawField[] => [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", path],
  [":authority", "a.test"],
  ...more,
];

/** The fields of a request with a body. */
export const upload = (path = "/", ...more: readonly RawField[]): RawField[] => [
  [":method", "POST"],
  ...request(path, ...more).slice(1),
];
