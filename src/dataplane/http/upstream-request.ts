import { createHash } from "node:crypto";
import { isGrpc } from "../../core/grpc/content-type.ts";
import { FieldId } from "../../http1/fields.ts";
import type { RequestHead } from "../../http1/request-head.ts";
import {
  requestDrops,
  requestDropsReframed,
  requestDropsReframedWithHost,
  requestDropsWithHost,
} from "./dropped-fields.ts";
import type { HeaderEdits } from "./header-edits.ts";

/** What the head of a request is made of, besides what was received. */
export interface ForwardedRequest {
  readonly head: RequestHead;
  readonly id: string;
  readonly path: string;
  readonly query: string;
  /** Host that the server gets instead of the received one, or "". */
  readonly rewrittenHost: string;
  readonly hasBody: boolean;
  readonly wantsUpgrade: boolean;
  /** What filters changed; null for a route without filters. */
  readonly view: { readonly request: { readonly edits: HeaderEdits } } | null;
}

/**
 * The request's head as the server gets it. Field lines go on as they were received, in as few pieces as possible;
 * what the proxy says itself (forwarding fields, request id) stands behind them.
 *
 * @param reframed the body goes on chunked, whatever its framing was (a filter may change its length)
 * @param forwarded the lines that tell about the client
 * @param serverName Host for requests that came without one (HTTP/1.0)
 */
export function upstreamRequestHead(
  request: ForwardedRequest,
  reframed: boolean,
  forwarded: string,
  serverName: string,
): string {
  const { head, rewrittenHost } = request;
  const edits = request.view?.request.edits;
  // An absolute target has replaced Host (RFC 9112 3.2.2).
  const newHost = rewrittenHost !== "" || head.targetAuthority || !head.hasHost;
  const unframed = head.chunked && !head.hasTransferEncoding;
  const drops = reframed
    ? newHost
      ? requestDropsReframedWithHost
      : requestDropsReframed
    : newHost
      ? requestDropsWithHost
      : requestDrops;
  let text = `${head.method} ${request.path}${request.query} HTTP/1.1\r\n`;
  if (newHost) text += `Host: ${rewrittenHost || head.authority || serverName}\r\n`;
  text += edits === undefined ? head.keptLines(drops) : head.keptLines(drops, edits.removed) + edits.lines;
  text += `${forwarded}X-Request-Id: ${request.id}\r\n`;
  if ((reframed || unframed) && request.hasBody) text += "Transfer-Encoding: chunked\r\n";
  // By this a gRPC server knows that trailers will arrive; it refuses the request otherwise.
  if (head.has(FieldId.te) && isGrpc(head.getById(FieldId.contentType))) text += "TE: trailers\r\n";
  if (request.wantsUpgrade) {
    // Asked for by HTTP/2, which needs no proof that the server understood.
    if (head.protocol !== "") text += `Sec-WebSocket-Key: ${webSocketKey(request.id)}\r\n`;
    // Upgrade stands last, where a connection of HTTP/2 looks for it.
    text += `Connection: Upgrade\r\nUpgrade: ${head.protocol || head.getById(FieldId.upgrade)}\r\n`;
  }
  return text + "\r\n";
}

/** Sixteen bytes in base64 that differ from request to request (RFC 6455 4.1); they are a nonce, not a secret. */
function webSocketKey(id: string): string {
  return createHash("md5").update(id).digest("base64");
}
