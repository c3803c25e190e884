/** What a client sends first (RFC 9113 3.4). */
export const CLIENT_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/**
 * Compares buffer[from, to) with the preface, of which `matched` bytes have come before. Returns how many have now come,
 * or -1 if it is something else.
 */
export function matchPreface(buffer: Uint8Array, from: number, to: number, matched: number): number {
  const end = Math.min(to, from + CLIENT_PREFACE.length - matched);
  for (let i = from; i < end; i++) if (buffer[i] !== CLIENT_PREFACE[matched++]) return -1;
  return matched;
}
