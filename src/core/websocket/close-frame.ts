import { controlFrame } from "./control-frame.ts";

/** Status codes of Close frames (RFC 6455 section 7.4.1, and IANA's registry for the later ones). */
export const GOING_AWAY = 1001;
/** An endpoint has met with something that keeps it from going on. */
export const INTERNAL_ERROR = 1011;
/** The service restarts: the client may come back at once. */
export const SERVICE_RESTART = 1012;

const CLOSE = 8;

/**
 * A Close frame (RFC 6455 sections 5.5.1 and 7.4).
 *
 * @param reason ASCII, at most 123 characters
 * @param maskingKey 32 bits of chance for a frame towards a server; undefined for one towards a client
 */
export function closeFrame(code: number, reason: string, maskingKey?: number): Uint8Array {
  const payload = new Uint8Array(2 + reason.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  for (let i = 0; i < reason.length; i++) payload[2 + i] = reason.charCodeAt(i);
  return controlFrame(CLOSE, payload, maskingKey);
}
