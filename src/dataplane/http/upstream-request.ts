import { FieldId } from "../../http1/fields.ts";
import {
  requestDrops,
  requestDropsReframed,
  requestDropsReframedWithHost,
  requestDropsWithHost,
} from "./dropped-fields.ts";
import type { Exchange } from "./exchange.ts";

/**
 * The request's head as the server gets it. Field lines go on as they were received, in as few pieces as possible;
 * what the proxy says itself (forwarding fields, request id) stands behind them.
 *
 * @param reframed the body goes on chunked, whatever its framing was (a filter may change its length)
 */
export function upstreamRequestHead(exchange: Exchange, reframed: boolean): string {
  const { head, connection } = exchange;
  const edits = exchange.view?.request.edits;
  const rewriteHost = exchange.rewrittenHost;
  // Host comes from the target in absolute-form (RFC 9112 3.2.2) and is missing in some HTTP/1.0 requests.
  const newHost = rewriteHost !== "" || head.target.charCodeAt(0) !== 47 || !head.hasHost;
  const drops = reframed
    ? newHost
      ? requestDropsReframedWithHost
      : requestDropsReframed
    : newHost
      ? requestDropsWithHost
      : requestDrops;
  let text = `${head.method} ${exchange.path}${exchange.query} HTTP/1.1\r\n`;
  if (newHost) text += `Host: ${rewriteHost !== "" ? rewriteHost : head.authority !== "" ? head.authority : exchange.server!.authority}\r\n`;
  text += edits === undefined ? head.keptLines(drops) : head.keptLines(drops, edits.removed) + edits.lines;
  text += connection.forwardedLines(exchange);
  text += `X-Request-Id: ${exchange.id}\r\n`;
  if (reframed && exchange.hasBody) text += "Transfer-Encoding: chunked\r\n";
  if (exchange.wantsUpgrade) text += `Connection: Upgrade\r\nUpgrade: ${head.getById(FieldId.upgrade)}\r\n`;
  return text + "\r\n";
}
