/**
 * A control frame (RFC 6455 section 5.5), which is always whole and short.
 *
 * @param opcode 8 Close, 9 Ping, 10 Pong
 * @param payload at most 125 bytes
 * @param maskingKey 32 bits of chance for a frame towards a server, which must be masked (section 5.3); undefined for
 *   one towards a client, which must not
 */
export function controlFrame(opcode: number, payload: Uint8Array, maskingKey?: number): Uint8Array {
  const { length } = payload;
  const masked = maskingKey !== undefined;
  const head = masked ? 6 : 2;
  const frame = new Uint8Array(head + length);
  frame[0] = 0x80 | opcode;
  frame[1] = length | (masked ? 0x80 : 0);
  frame.set(payload, head);
  if (!masked) return frame;
  new DataView(frame.buffer).setUint32(2, maskingKey >>> 0);
  for (let i = 0; i < length; i++) frame[head + i]! ^= frame[2 + (i & 3)]!;
  return frame;
}
