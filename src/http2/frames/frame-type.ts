/** Types of frames (RFC 9113 section 6; PRIORITY_UPDATE: RFC 9218 7.1). Types that are not here are ignored. */
export const FrameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goAway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
  priorityUpdate: 0x10,
} as const;

/** Flags of frames; the same bit means different things in different types. */
export const Flag = {
  /** DATA, HEADERS. */
  endStream: 0x1,
  /** SETTINGS, PING. */
  ack: 0x1,
  /** HEADERS, CONTINUATION. */
  endHeaders: 0x4,
  /** DATA, HEADERS. */
  padded: 0x8,
  /** HEADERS. */
  priority: 0x20,
} as const;

/** Bytes before each frame's payload (RFC 9113 4.1). */
export const FRAME_HEADER_SIZE = 9;

/** The payload that every receiver takes (RFC 9113 4.2). We never send a longer one: longer frames keep others waiting. */
export const FRAME_SIZE = 16_384;

/** Largest window and largest stream identifier: 2^31-1 (RFC 9113 6.9.1, 5.1.1). */
export const MAX_31_BITS = 0x7fffffff;

/** Window of a connection and of its streams before anyone says otherwise (RFC 9113 6.9.2). */
export const INITIAL_WINDOW = 65_535;

/** The 32 bits at a position, as an unsigned number. */
export function readUint32(buffer: Buffer, at: number): number {
  return buffer[at] * 0x1000000 + ((buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3]);
}

/** The 31 bits at a position, without the reserved bit before them. */
export function readUint31(buffer: Buffer, at: number): number {
  return ((buffer[at] & 0x7f) << 24) | (buffer[at + 1] << 16) | (buffer[at + 2] << 8) | buffer[at + 3];
}

/** Writes 32 bits and returns the position behind them. */
export function writeUint32(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
  return at + 4;
}

/** Writes a frame's header and returns the position of its payload. */
export function writeFrameHeader(
  buffer: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  return writeUint32(buffer, at + 5, stream);
}
