import { controlFrame } from "./control-frame.ts";

const PING = 9;
const FINAL_PONG = 0x8a;
/** Bytes of the payload, by which the Pong that answers is told from others. */
const PAYLOAD = 4;

/**
 * A Ping (RFC 6455 section 5.5.2) whose payload is this number.
 *
 * @param payload 32 bits
 * @param maskingKey 32 bits of chance for a frame towards a server; undefined for one towards a client
 */
export function pingFrame(payload: number, maskingKey?: number): Uint8Array {
  const bytes = new Uint8Array(PAYLOAD);
  new DataView(bytes.buffer).setUint32(0, payload >>> 0);
  return controlFrame(PING, bytes, maskingKey);
}

/**
 * The length of the Pong that begins at bytes[at], if it lies before `end` as a whole and answers the Ping with that
 * payload (section 5.5.3: it has the same one); 0 otherwise.
 *
 * @param masked whether the frames are a client's
 */
export function pongLength(bytes: Uint8Array, at: number, end: number, masked: boolean, payload: number): number {
  const head = masked ? 6 : 2;
  const length = head + PAYLOAD;
  if (end - at < length || bytes[at] !== FINAL_PONG || bytes[at + 1] !== (PAYLOAD | (masked ? 0x80 : 0))) return 0;
  for (let i = 0; i < PAYLOAD; i++) {
    const byte = bytes[at + head + i]! ^ (masked ? bytes[at + 2 + i]! : 0);
    if (byte !== ((payload >>> (24 - 8 * i)) & 0xff)) return 0;
  }
  return length;
}
