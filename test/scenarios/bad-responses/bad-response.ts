/** What a misbehaving server sends, and what the client must see then. */
export interface BadResponse {
  readonly name: string;
  readonly rfc: string;
  /** Exactly what the server sends after the request, latin1. */
  readonly bytes: string;
  /** What the server does after it: keeps the connection open, ends it or resets it. "keep" when absent. */
  readonly ending?: "keep" | "end" | "reset";
  /** Method of the request; GET when absent. */
  readonly method?: string;
  /**
   * 502: nothing of it reaches the client. "cut": its head was good and went on; the client sees the answer end before
   * it is whole. "whole": the client gets its answer, but the connection to the server must not be used again.
   */
  readonly client: 502 | "cut" | "whole";
}

/** A 200 with these field lines and what follows the head. */
export function ok(lines: readonly string[], after = ""): string {
  return `${["HTTP/1.1 200 OK", ...lines].join("\r\n")}\r\n\r\n${after}`;
}

/** A 200 with a chunked body of these bytes. */
export function chunkedOk(after: string): string {
  return ok(["Transfer-Encoding: chunked"], after);
}

/** A second answer, which poisons the connection for whoever would use it next. */
export const STRAY = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray";
