/** The end of a chunked body without trailers (RFC 9112 7.1). */
export const LAST_CHUNK = "0\r\n\r\n";

/** One chunk with its framing, in a buffer of its own. `data` must not be empty: that would be the last chunk. */
export function frameChunk(data: Uint8Array): Buffer {
  const size = data.length.toString(16);
  const framed = Buffer.allocUnsafe(size.length + data.length + 4);
  framed.latin1Write(size, 0);
  let at = size.length;
  framed[at++] = 13;
  framed[at++] = 10;
  framed.set(data, at);
  at += data.length;
  framed[at++] = 13;
  framed[at] = 10;
  return framed;
}
