import { createHash } from "node:crypto";
import { parseResponseHead, ResponseHead } from "../../../http1/response-head.ts";

/** Appended to a key before it is hashed (RFC 6455 1.3). */
const WEB_SOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const headLimits = { maxRequestLine: 8192, maxHeadSize: 131_072, maxHeaders: 1024 };

/**
 * A request for a WebSocket as `writeRequest` takes it for an extended CONNECT (RFC 8441 4): the Upgrade line is the last
 * one, and there is no key. Null when another protocol is asked for: only this one has a name there.
 *
 * @returns the head, and the key that the client wants confirmed
 */
export function connectRequest(head: string): { readonly head: string; readonly key: string } | null {
  const protocol = /\r\nupgrade:[ \t]*(.*?)[ \t]*\r\n/i.exec(head)?.[1];
  if (protocol?.toLowerCase() !== "websocket") return null;
  const key = /\r\nsec-websocket-key:[ \t]*(.*?)[ \t]*\r\n/i.exec(head)?.[1] ?? "";
  const others = head.slice(0, -2).replace(/^(?:connection|upgrade|sec-websocket-key):.*\r\n/gim, "");
  return { head: `${others}Upgrade: websocket\r\n\r\n`, key };
}

/** The head of HTTP/1.1 that says what a 2xx to an extended CONNECT says: the protocol was switched (RFC 6455 4.2.2). */
export function switchedHead(head: ResponseHead, key: string): ResponseHead {
  const accept = createHash("sha1")
    .update(key + WEB_SOCKET_GUID)
    .digest("base64");
  const lines = head.text.slice(head.linesStart, head.linesEnd).replace(/^content-length:.*\r\n/gim, "");
  const switched = new ResponseHead();
  switched.reset();
  const text = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n${lines}\r\n`;
  parseResponseHead(switched, text, 0, headLimits, "GET");
  return switched;
}
