import { errors } from "../../core/errors.ts";
import { errorAnswer } from "../http/error-answer.ts";

/** Most bytes that a method can have, with its space: none in use is longer than PROPPATCH. */
const MOST = 12;

/**
 * Whether the first bytes of a connection on which TLS was expected are a request of HTTP instead: a method in capitals,
 * and a space. People type the wrong scheme, or forget it; an alert of TLS would tell them nothing.
 */
export function looksLikeHttp(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length && i < MOST; i++) {
    const byte = bytes[i]!;
    if (byte === 32) return i >= 3;
    if (byte < 65 || byte > 90) return false;
  }
  return false;
}

/** The answer to such a request, whatever it was for. */
export function plainHttpAnswer(id: string): string {
  return errorAnswer(errors.plainHttp, errors.plainHttp.message, undefined, id, "Connection: close\r\n", true);
}
