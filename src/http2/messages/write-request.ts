import type { HpackEncoder } from "../hpack/encoder.ts";
import { STATIC } from "../hpack/static-table.ts";

/** ` HTTP/1.1`, which every request line ends in. */
const VERSION_LENGTH = 9;

/**
 * Adds the head of a request to the block that was begun: `text` is that of HTTP/1.1, valid and with its blank line, as it would be
 * written to a server. Host becomes `:authority`; what belongs to a connection is left out. `Upgrade: websocket` in the last
 * line makes it an extended CONNECT (RFC 8441), which the server must have allowed.
 */
export function writeRequest(encoder: HpackEncoder, text: string, scheme: string): void {
  const methodEnd = text.indexOf(" ");
  const lineEnd = text.indexOf("\r\n", methodEnd);
  const linesStart = lineEnd + 2;
  const linesEnd = text.length - 2;
  const method = text.slice(0, methodEnd);
  const target = text.slice(methodEnd + 1, lineEnd - VERSION_LENGTH);
  const hostStart = findHost(text, linesStart);
  // Just behind the Host line; without one all lines are on one side.
  const hostEnd = hostStart < 0 ? linesStart : text.indexOf("\r\n", hostStart) + 2;
  const authority = hostStart < 0 ? "" : text.slice(hostStart + 5, hostEnd - 2).trim();

  const webSocket = endsInWebSocket(text);
  writeMethod(encoder, webSocket ? "CONNECT" : method);
  if (webSocket) encoder.field(":protocol", "websocket");
  if (method !== "CONNECT" || webSocket) {
    encoder.indexed(scheme === "https" ? STATIC.schemeHttps : STATIC.schemeHttp);
    if (target === "/") encoder.indexed(STATIC.pathSlash);
    else encoder.named(STATIC.pathSlash, target, false);
    if (authority !== "") encoder.named(STATIC.authority, authority, true);
  } else encoder.named(STATIC.authority, target, false);
  if (webSocket) {
    const lines = text.slice(linesStart, Math.max(linesStart, hostStart)) + text.slice(hostEnd, linesEnd);
    const kept = lines.replace(/^sec-websocket-key:.*\r\n/gim, "");
    encoder.lines(kept, 0, kept.length);
    return;
  }
  if (hostStart > linesStart) encoder.lines(text, linesStart, hostStart);
  encoder.lines(text, hostEnd, linesEnd);
}

function writeMethod(encoder: HpackEncoder, method: string): void {
  if (method === "GET") encoder.indexed(STATIC.methodGet);
  else if (method === "POST") encoder.indexed(STATIC.methodPost);
  else encoder.named(STATIC.methodGet, method, true);
}

/** Where the Host line starts; -1 if there is none. It is the first line, most often. */
function findHost(text: string, linesStart: number): number {
  if (text.startsWith("Host:", linesStart)) return linesStart;
  const at = text.search(/\r\nhost:/i);
  return at < 0 ? -1 : at + 2;
}

/** Whether the last field line is Upgrade and asks for websocket. */
function endsInWebSocket(text: string): boolean {
  const lineStart = text.lastIndexOf("\r\n", text.length - 5) + 2;
  return (
    text.startsWith("Upgrade:", lineStart) &&
    text
      .slice(lineStart + 8, -4)
      .trim()
      .toLowerCase() === "websocket"
  );
}
