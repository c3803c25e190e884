import { PATH_CLASS, PATH_DOT, PATH_PERCENT, PATH_PLAIN, PATH_SLASH, QUERY } from "../../http1/characters.ts";
import { normalisePath } from "../../http1/path.ts";
import { INVALID_PATH, INVALID_TARGET, type ProtocolError } from "../../http1/protocol-error.ts";
import type { RequestHead } from "../../http1/request-head.ts";

/**
 * Sets target, path, query and asterisk from the value of `:path`, by the rules that hold for the target of an HTTP/1.1
 * request line. It begins with a slash, or is `*`; both are for the caller to check.
 */
export function readPath(head: RequestHead, target: string): ProtocolError | null {
  head.target = target;
  if (target === "*") {
    head.asterisk = true;
    head.path = "*";
    return null;
  }
  const { length } = target;
  let normal = true;
  let pathEnd = 0;
  let previous = 0;
  for (; pathEnd < length; pathEnd++) {
    const byte = target.charCodeAt(pathEnd);
    const kind = PATH_CLASS[byte];
    if (kind !== PATH_PLAIN) {
      if (kind === PATH_SLASH || kind === PATH_DOT) {
        if (previous === PATH_SLASH) normal = false;
      } else if (kind === PATH_PERCENT) normal = false;
      else if (byte === 63) break;
      else return INVALID_TARGET;
    }
    previous = kind;
  }
  for (let i = pathEnd + 1; i < length; i++) if (QUERY[target.charCodeAt(i)] !== 1) return INVALID_TARGET;
  head.query = target.slice(pathEnd);
  const path = target.slice(0, pathEnd);
  if (normal) {
    head.path = path;
    return null;
  }
  const normalised = normalisePath(path);
  if (normalised === null) return INVALID_PATH;
  head.path = normalised;
  return null;
}
