import { FORBIDDEN_IN_TRAILERS } from "../../http1/trailers.ts";
import type { FieldList } from "../field-list.ts";
import { isConnectionSpecific } from "./connection-specific.ts";

/**
 * The trailers of a request or an answer as field lines of HTTP/1.1, each with its CRLF; null if they are malformed (RFC 9113
 * 8.1) or beyond the limits. Fields that must not come behind a body are left out, as with HTTP/1.1 (RFC 9110 6.5.1).
 */
export function readTrailers(fields: FieldList): string | null {
  if (fields.overflow) return null;
  let lines = "";
  for (let i = 0; i < fields.count; i++) {
    const field = fields.fields[i];
    if (field.problem !== "" || field.name.charCodeAt(0) === 58 || isConnectionSpecific(field)) return null;
    if (FORBIDDEN_IN_TRAILERS[field.id] !== 1) lines += field.line;
  }
  return lines;
}
