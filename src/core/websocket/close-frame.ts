/** Status code of a Close frame: the endpoint goes away (RFC 6455 section 7.4.1). */
export const GOING_AWAY = 1001;

const CLOSE_FINAL = 0x88;

/**
 * A Close frame (RFC 6455 sections 5.5.1 and 7.4).
 *
 * @param reason ASCII, at most 123 characters
 * @param maskingKey 32 bits of chance for a frame towards a server, which must be masked (section 5.3); undefined for
 *   one towards a client, which must not
 */
export function closeFrame(code: number, reason: string, maskingKey?: number): Uint8Array {
  const length = 2 + reason.length;
  const masked = maskingKey !== undefined;
  const head = masked ? 6 : 2;
  const frame = new Uint8Array(head + length);
  frame[0] = CLOSE_FINAL;
  frame[1] = length | (masked ? 0x80 : 0);
  frame[head] = code >> 8;
  frame[head + 1] = code & 0xff;
  for (let i = 0; i < reason.length; i++) frame[head + 2 + i] = reason.charCodeAt(i);
  if (!masked) return frame;
  new DataView(frame.buffer).setUint32(2, maskingKey >>> 0);
  for (let i = 0; i < length; i++) frame[head + i]! ^= frame[2 + (i & 3)]!;
  return frame;
}
