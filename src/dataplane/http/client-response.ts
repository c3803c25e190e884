import type { ResponseHead } from "../../http1/response-head.ts";
import { reasonPhrase } from "../../http1/status.ts";
import { responseDrops, responseDropsReframed } from "./dropped-fields.ts";
import type { Exchange } from "./exchange.ts";

/**
 * The answer's head as the client gets it: the received lines, without those of the server's connection.
 *
 * @param framing lines that say how the body is framed, when it is framed anew; "" when the received ones go on
 * @param reframed whether the received framing fields are dropped
 * @param connection the line about the client's connection, or ""
 */
export function clientResponseHead(
  exchange: Exchange,
  head: ResponseHead,
  reframed: boolean,
  framing: string,
  connection: string,
): string {
  const drops = reframed ? responseDropsReframed : responseDrops;
  const view = exchange.view;
  if (view === null) {
    const statusLine =
      head.minor === 1 ? head.statusLine : `HTTP/1.1 ${head.status} ${reasonPhrase(head.status)}\r\n`;
    return statusLine + head.keptLines(drops) + framing + connection + "\r\n";
  }
  const { status, edits } = view.response;
  return (
    `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n` +
    head.keptLines(drops, edits.removed) +
    edits.lines +
    framing +
    connection +
    "\r\n"
  );
}
