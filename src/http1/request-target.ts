import { equalsIgnoreCase } from "./characters.ts";
import { parseAuthority } from "./host.ts";
import { normalisePath } from "./path.ts";
import { INVALID_HOST, INVALID_PATH, INVALID_TARGET, type ProtocolError } from "./protocol-error.ts";
import type { RequestHead } from "./request-head.ts";

/**
 * Sets path, query, asterisk and, in absolute- and authority-form, host and authority from the request target
 * text[start, end) (RFC 9112 3.2). `pathEnd` is where the first question mark stands, or `end`; `normal`
 * says that the scan found nothing in the path that normalisation would change.
 */
export function readTarget(
  head: RequestHead,
  text: string,
  start: number,
  pathEnd: number,
  end: number,
  normal: boolean,
): ProtocolError | null {
  if (head.method === "CONNECT") return readAuthorityForm(head, text, start, end);
  const first = text.charCodeAt(start);
  if (first === 47) return readPath(head, text, start, pathEnd, end, normal);
  if (first === 42 && end === start + 1 && head.method === "OPTIONS") {
    setAsterisk(head);
    return null;
  }
  return readAbsoluteForm(head, text, start, pathEnd, end);
}

function readPath(
  head: RequestHead,
  text: string,
  start: number,
  pathEnd: number,
  end: number,
  normal: boolean,
): ProtocolError | null {
  head.query = pathEnd === end ? "" : text.slice(pathEnd, end);
  if (normal) {
    head.path = pathEnd === start + 1 ? "/" : text.slice(start, pathEnd);
    return null;
  }
  const path = normalisePath(text.slice(start, pathEnd));
  if (path === null) return INVALID_PATH;
  head.path = path;
  return null;
}

function setAsterisk(head: RequestHead): void {
  head.asterisk = true;
  head.path = "*";
  head.query = "";
}

function readAuthorityForm(head: RequestHead, text: string, start: number, end: number): ProtocolError | null {
  const authority = parseAuthority(text.slice(start, end));
  if (authority === null || authority.port < 0) return INVALID_TARGET;
  head.host = authority.host;
  head.authority = authority.authority;
  head.targetAuthority = true;
  head.path = "";
  head.query = "";
  return null;
}

function readAbsoluteForm(
  head: RequestHead,
  text: string,
  start: number,
  pathEnd: number,
  end: number,
): ProtocolError | null {
  let from = 0;
  if (equalsIgnoreCase(text, start, Math.min(start + 7, end), "http://")) from = start + 7;
  else if (equalsIgnoreCase(text, start, Math.min(start + 8, end), "https://")) from = start + 8;
  else return INVALID_TARGET;
  if (from > pathEnd) return INVALID_TARGET;
  let authorityEnd = from;
  while (authorityEnd < pathEnd && text.charCodeAt(authorityEnd) !== 47) authorityEnd++;
  const authority = parseAuthority(text.slice(from, authorityEnd));
  if (authority === null) return INVALID_HOST;
  head.host = authority.host;
  head.authority = authority.authority;
  head.targetAuthority = true;
  if (authorityEnd < pathEnd) return readPath(head, text, authorityEnd, pathEnd, end, false);
  // Without path and query, OPTIONS means the server as a whole (RFC 9112 3.2.4).
  if (head.method === "OPTIONS" && pathEnd === end) setAsterisk(head);
  else {
    head.path = "/";
    head.query = text.slice(pathEnd, end);
  }
  return null;
}
