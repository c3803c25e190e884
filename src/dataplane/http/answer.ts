import type { Answer } from "../../core/filtering/filter.ts";
import { consistsOf, FIELD_VALUE, TOKEN } from "../../http1/characters.ts";
import { reasonPhrase } from "../../http1/status.ts";

/**
 * The parts of an answer that did not come from a server: the head, and the body if there is one.
 *
 * @param connection the line about the client's connection, or ""
 */
export function answerText(answer: Answer, headOnly: boolean, connection: string): [head: string, body?: Uint8Array] {
  const { status, headers = {}, body = "" } = answer;
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  const bodiless = status === 204 || status === 304;
  let head = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\nDate: ${new Date().toUTCString()}\r\n`;
  let typed = bytes.length === 0;
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    // The framing is ours.
    if (lower === "content-length" || lower === "transfer-encoding" || lower === "connection") continue;
    if (!consistsOf(TOKEN, name) || name === "" || !consistsOf(FIELD_VALUE, value)) continue;
    if (lower === "content-type") typed = true;
    head += `${name}: ${value}\r\n`;
  }
  if (!typed) head += "Content-Type: text/plain; charset=utf-8\r\n";
  if (!bodiless) head += `Content-Length: ${bytes.length}\r\n`;
  head += `${connection}\r\n`;
  return headOnly || bodiless || bytes.length === 0 ? [head] : [head, bytes];
}
