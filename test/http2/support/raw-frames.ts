/*
 * Frames and header blocks written byte by byte from RFC 9113 and RFC 7541, without the code under test; and the way back:
 * bytes as one line of text per frame.
 */

export const codes = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 32;

type Bytes = Buffer | string | readonly number[];

function toBuffer(bytes: Bytes): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes as Buffer);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A frame as it stands; `length` other than the payload's is a lie. */
export function frame(type: number, flags: number, stream: number, payload: Bytes = "", length?: number): Buffer {
  const content = toBuffer(payload);
  const header = Buffer.alloc(9);
  header.writeUIntBE(length ?? content.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, content]);
}

export interface BodyOptions {
  end?: boolean;
  /** Bytes of padding. */
  pad?: number;
}

function padded(content: Buffer, pad: number | undefined): Buffer {
  return pad === undefined ? content : Buffer.concat([Buffer.from([pad]), content, Buffer.alloc(pad)]);
}

export function data(stream: number, content: Bytes, options: BodyOptions = {}): Buffer {
  const flags = (options.end === true ? END_STREAM : 0) | (options.pad === undefined ? 0 : PADDED);
  return frame(0, flags, stream, padded(toBuffer(content), options.pad));
}

export type FieldPairs = readonly (readonly [string, string])[];

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const prefix: number[] = [];
  if (bytes.length < 127) prefix.push(bytes.length);
  else {
    prefix.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>>= 7) prefix.push((rest & 127) | 128);
    prefix.push(rest);
  }
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

/** A header block of literals that are not indexed (RFC 7541 6.2.2). */
export function block(fields: FieldPairs): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

export const get: FieldPairs = [
  [":method", "GET"],
  [":scheme", "https"],
  [":path", "/"],
  [":authority", "example.com"],
];
export const post: FieldPairs = [[":method", "POST"], ...get.slice(1)];
export const ok: FieldPairs = [[":status", "200"]];
export const trailer: FieldPairs = [["x-sum", "1"]];

export interface HeadOptions extends BodyOptions {
  /** No END_HEADERS. */
  open?: boolean;
  priority?: boolean;
}

export function headers(stream: number, fields: FieldPairs | Buffer, options: HeadOptions = {}): Buffer {
  const flags =
    (options.end === true ? END_STREAM : 0) |
    (options.open === true ? 0 : END_HEADERS) |
    (options.pad === undefined ? 0 : PADDED) |
    (options.priority === true ? PRIORITY : 0);
  const content = Buffer.isBuffer(fields) ? fields : block(fields);
  const dependency = options.priority === true ? Buffer.from([0, 0, 0, 0, 15]) : Buffer.alloc(0);
  return frame(1, flags, stream, padded(Buffer.concat([dependency, content]), options.pad));
}

export function continuation(stream: number, fragment: Bytes, last = true): Buffer {
  return frame(9, last ? END_HEADERS : 0, stream, fragment);
}

export const priority = (stream: number): Buffer => frame(2, 0, stream, [0, 0, 0, 0, 15]);
export const rst = (stream: number, code: number): Buffer => frame(3, 0, stream, uint32(code));
export const settingsAck = frame(4, 1, 0);
export const ping = (content = "12345678", ack = false): Buffer => frame(6, ack ? 1 : 0, 0, content);
export const goAway = (last: number, code = 0): Buffer => frame(7, 0, 0, Buffer.concat([uint32(last), uint32(code)]));
export const windowUpdate = (stream: number, by: number): Buffer => frame(8, 0, stream, uint32(by));

export function settings(pairs: Readonly<Record<number, number>> = {}): Buffer {
  const entries = Object.entries(pairs).map(([id, value]) =>
    Buffer.concat([Buffer.from([0, Number(id)]), uint32(value)]),
  );
  return frame(4, 0, 0, Buffer.concat(entries));
}

export function priorityUpdate(stream: number, value: string): Buffer {
  return frame(16, 0, 0, Buffer.concat([uint32(stream), Buffer.from(value, "latin1")]));
}

export interface RawFrame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** The frames in bytes that hold whole ones. */
export function splitFrames(bytes: Buffer): RawFrame[] {
  const frames: RawFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 9) throw new Error("half a frame header");
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) throw new Error("half a frame");
    frames.push({
      type: bytes[at + 3],
      flags: bytes[at + 4],
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return frames;
}

/** "RST_STREAM 1 CANCEL", "DATA 3 100 end": one frame as a line. */
export function describeFrame({ type, flags, stream, payload }: RawFrame): string {
  const end = (flags & END_STREAM) !== 0 ? " end" : "";
  switch (type) {
    case 0:
      return `DATA ${stream} ${payload.length}${end}`;
    case 1:
      return `HEADERS ${stream}${end}`;
    case 3:
      return `RST_STREAM ${stream} ${codes[payload.readUInt32BE(0)]}`;
    case 4:
      return (flags & 1) !== 0 ? "SETTINGS ack" : "SETTINGS";
    case 6:
      return (flags & 1) !== 0 ? "PING ack" : "PING";
    case 7:
      return `GOAWAY ${payload.readUInt32BE(0)} ${codes[payload.readUInt32BE(4)]}`;
    case 8:
      return `WINDOW_UPDATE ${stream} ${payload.readUInt32BE(0)}`;
    case 9:
      return `CONTINUATION ${stream}`;
    default:
      return `type ${type} on ${stream}`;
  }
}
