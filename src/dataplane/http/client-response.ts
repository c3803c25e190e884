import type { ResponseHead } from "../../http1/response-head.ts";
import { reasonPhrase } from "../../http1/status.ts";
import { responseDrops, responseDropsReframed } from "./dropped-fields.ts";
import type { HeaderEdits } from "./header-edits.ts";

/** What filters made of an answer's head. */
export interface EditedResponse {
  readonly response: { readonly status: number; readonly edits: HeaderEdits };
}

/**
 * The answer's head as the client gets it: the received lines, without those of the server's connection.
 *
 * @param view null for a route without filters
 * @param reframed whether the received framing fields are dropped
 * @param framing lines that say how the body is framed, when it is framed anew
 * @param connection the line about the client's connection, or ""
 */
export function clientResponseHead(
  view: EditedResponse | null,
  head: ResponseHead,
  reframed: boolean,
  framing: string,
  connection: string,
): string {
  const drops = reframed ? responseDropsReframed : responseDrops;
  if (view === null) {
    const statusLine = head.minor === 1 ? head.statusLine : `HTTP/1.1 ${head.status} ${reasonPhrase(head.status)}\r\n`;
    return statusLine + head.keptLines(drops) + framing + connection + "\r\n";
  }
  const { status, edits } = view.response;
  const lines = head.keptLines(drops, edits.removed) + edits.lines;
  return `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${lines}${framing}${connection}\r\n`;
}
