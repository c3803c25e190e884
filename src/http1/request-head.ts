import { HeaderBlock } from "./header-block.ts";
import { parseAuthority } from "./host.ts";
import type { ProtocolError } from "./protocol-error.ts";

/** Longer than any valid authority. */
const MAX_AUTHORITY = 512;

/**
 * Head of an HTTP/1 request. Made once per connection and used again for each request: call `reset` before each. The
 * values are right only after `parseRequestHead` has returned COMPLETE.
 */
export class RequestHead extends HeaderBlock {
  method = "";
  /** As received. */
  target = "";
  /** Normalised (docs/path-normalisation.md); "*" for OPTIONS *, "" for CONNECT. */
  path = "";
  /** As received with its question mark, or "". */
  query = "";
  /** Lower case, without port; from an absolute target if there is one (RFC 9112 3.2.2); "" in HTTP/1.0 without Host. */
  host = "";
  /** Host with port as received, lower case. */
  authority = "";
  minor: 0 | 1 = 1;
  /** Content-Length; -1 without one. */
  contentLength = -1;
  /** The body is chunked. Without this and a length there is no body (RFC 9112 6.3). */
  chunked = false;
  /** Whether the client wants the connection to stay (RFC 9112 9.3). */
  keepAlive = true;
  /** The client waits for a 100 before it sends the body; only in HTTP/1.1 and with a body (RFC 9110 10.1.1). */
  expectContinue = false;
  /** Upgrade is there and Connection names it; only in HTTP/1.1 (RFC 9110 7.8). */
  upgrade = false;
  /** HTTP/2 only: what an extended CONNECT asks for (RFC 8441), else "". */
  protocol = "";
  /** The target is `*`, or OPTIONS with an absolute target without path. */
  asterisk = false;
  /** The target brought host and authority, so Host does not count and has to be written anew. */
  targetAuthority = false;
  error: ProtocolError | null = null;

  /** State of the parser: part of the message (request-line.ts), number of fields that were interpreted, and offsets. */
  stage = 0;
  interpreted = 0;
  lineStart = 0;
  targetStart = 0;
  pathEnd = 0;
  targetEnd = 0;
  normalTarget = true;
  hasHost = false;
  hasTransferEncoding = false;
  connection = 0;
  hasUpgrade = false;

  /** The Host value that was met last and what it means: most requests of a connection have the same. */
  private lastHostText = "";
  private lastHost = "";
  private lastAuthority = "";

  /** Makes ready for the next request. */
  reset(): void {
    this.resetFields();
    this.method = "";
    this.target = "";
    this.path = "";
    this.query = "";
    this.host = "";
    this.authority = "";
    this.minor = 1;
    this.contentLength = -1;
    this.chunked = false;
    this.keepAlive = true;
    this.expectContinue = false;
    this.upgrade = false;
    this.protocol = "";
    this.asterisk = false;
    this.targetAuthority = false;
    this.error = null;
    this.stage = 0;
    this.interpreted = 0;
    this.normalTarget = true;
    this.hasHost = false;
    this.hasTransferEncoding = false;
    this.connection = 0;
    this.hasUpgrade = false;
  }

  /** Sets host and authority from the Host value bytes[start, end); false if it is malformed. */
  readHost(bytes: Uint8Array, start: number, end: number): boolean {
    const last = this.lastHostText;
    let same = end - start === last.length && last !== "";
    for (let i = 0; same && i < last.length; i++) same = bytes[start + i] === last.charCodeAt(i);
    return this.readHostText(same ? last : textOf(bytes, start, end));
  }

  /** `readHost` for a value that is a text of its own already: no part of a larger one, because it is kept. */
  readHostText(value: string): boolean {
    if (value !== this.lastHostText || value === "") {
      const parsed = parseAuthority(value);
      if (parsed === null) return false;
      this.lastHostText = value;
      this.lastHost = parsed.host;
      this.lastAuthority = parsed.authority;
    }
    if (!this.targetAuthority) {
      this.host = this.lastHost;
      this.authority = this.lastAuthority;
    }
    return true;
  }
}

/** bytes[start, end) as a string of its own: a slice would keep the whole received text in memory with the cache. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, Math.min(end, start + MAX_AUTHORITY)));
}
