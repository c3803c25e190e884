/** One request that must be refused before anything of it can be taken for a request by a server. */
export interface BadRequest {
  readonly name: string;
  /** The section that it breaks, or that lets a recipient refuse it. */
  readonly rfc: string;
  /** Exactly what is sent, latin1. */
  readonly bytes: string;
  readonly status: number;
  /** How many good requests stand in front of the bad one; they are answered first. 0 when absent. */
  readonly goodBefore?: number;
  /** True when the head is good and the fault comes later: the head may be upstream already, but nothing whole. */
  readonly inBody?: boolean;
  /** Seconds of silence that the client needs to keep before the refusal comes (a timeout). */
  readonly slow?: boolean;
}

/** A GET with these field lines behind Host; each is written with CRLF. */
export function get(...lines: string[]): string {
  return head("GET / HTTP/1.1", "Host: a", ...lines);
}

/** A POST with these field lines behind Host, and what follows the head. */
export function post(lines: readonly string[], after = ""): string {
  return head("POST / HTTP/1.1", "Host: a", ...lines) + after;
}

/** A POST with a chunked body of these bytes. */
export function chunked(after: string): string {
  return post(["Transfer-Encoding: chunked"], after);
}

/** A head of these lines, the start line first. */
export function head(...lines: string[]): string {
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** What an attacker hides behind a request that is framed in two ways. */
export const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
