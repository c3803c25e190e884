/** Flag of the frame that carries trailers (gRPC-Web, "Message framing": the most significant bit). */
const TRAILERS = 0x80;

/**
 * Trailers as the last frame of a gRPC-Web body: the flag, the length in four bytes, and the fields as lines with names
 * in lower case and without a blank line at the end.
 *
 * @param trailers complete lines, latin1
 */
export function trailersFrame(trailers: string): Uint8Array {
  const text = trailers.replace(/^([^:\r\n]+):[ \t]*/gm, (_, name: string) => `${name.toLowerCase()}:`);
  const frame = new Uint8Array(5 + text.length);
  frame[0] = TRAILERS;
  new DataView(frame.buffer).setUint32(1, text.length);
  for (let i = 0; i < text.length; i++) frame[5 + i] = text.charCodeAt(i);
  return frame;
}
