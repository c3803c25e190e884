import {
  HEX_VALUE,
  PATH_CLASS,
  PATH_DOT,
  PATH_INVALID,
  PATH_PERCENT,
  PATH_PLAIN,
  PATH_SLASH,
  UNRESERVED,
} from "./characters.ts";

/**
 * Brings an absolute path (without query) into its one normal form, or refuses it with null. The rule is written down in
 * docs/path-normalisation.md. A path that is normal already comes back as the same string after one scan.
 * Normalising is idempotent, and never makes the path longer.
 */
export function normalisePath(path: string): string | null {
  if (path.charCodeAt(0) !== 47) return null;
  return isNormal(path) ? path : rewrite(path);
}

/** Whether the path is made of plain characters, without empty segments and segments that begin with a dot. */
function isNormal(path: string): boolean {
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const kind = PATH_CLASS[path.charCodeAt(i)];
    if (kind !== PATH_PLAIN) {
      if (kind === PATH_SLASH || kind === PATH_DOT) {
        if (previous === PATH_SLASH) return false;
      } else return false;
    }
    previous = kind;
  }
  return true;
}

function rewrite(path: string): string | null {
  const decoded = decode(path);
  if (decoded === null) return null;
  const kept: string[] = [];
  // The path starts with a slash, so the first piece is empty and stands before the root.
  const segments = decoded.split("/");
  const last = segments.length - 1;
  let endsInSlash = false;
  for (let i = 1; i <= last; i++) {
    const segment = segments[i];
    if (segment === "" || segment === ".") endsInSlash = i === last;
    else if (segment === "..") {
      if (kept.pop() === undefined) return null;
      endsInSlash = i === last;
    } else if (hidesDotSegment(segment)) return null;
    else kept.push(segment);
  }
  if (kept.length === 0) return "/";
  return `/${kept.join("/")}${endsInSlash ? "/" : ""}`;
}

/**
 * Whether some server could read a dot segment into the segment: by decoding %2F or %5C as a separator, or by cutting off
 * parameters behind a semicolon.
 */
function hidesDotSegment(segment: string): boolean {
  if (!segment.includes(".")) return false;
  return segment.split(/%2F|%5C/).some((piece, _, pieces) => {
    const name = piece.split(";", 1)[0];
    return (name === "." || name === "..") && (pieces.length > 1 || name !== piece);
  });
}

/**
 * Decodes percent-encoded unreserved characters, writes the digits of the other escapes in upper case, and refuses what
 * has no place in a path: characters outside the set, broken escapes, control bytes, and bytes that are not UTF-8.
 */
function decode(path: string): string | null {
  let result = "";
  let from = 0;
  let i = 0;
  while (i < path.length) {
    const kind = PATH_CLASS[path.charCodeAt(i)];
    if (kind === undefined || kind === PATH_INVALID) return null;
    if (kind !== PATH_PERCENT) {
      i++;
      continue;
    }
    result += path.slice(from, i);
    const byte = escapedByte(path, i);
    // Control bytes (%00 among them) end strings, lines and log entries somewhere down the road.
    if (byte < 32 || byte === 127) return null;
    const length = byte < 128 ? 1 : utf8Length(path, i, byte);
    if (length === 0) return null;
    const end = i + length * 3;
    result += UNRESERVED[byte] === 1 ? String.fromCharCode(byte) : path.slice(i, end).toUpperCase();
    i = end;
    from = end;
  }
  return result + path.slice(from);
}

/** The byte that the escape at `at` stands for; -1 if it is broken. */
function escapedByte(path: string, at: number): number {
  if (path.charCodeAt(at) !== 37 || at + 2 >= path.length) return -1;
  const high = HEX_VALUE[path.charCodeAt(at + 1)];
  const low = HEX_VALUE[path.charCodeAt(at + 2)];
  if (high === undefined || low === undefined || high > 15 || low > 15) return -1;
  return high * 16 + low;
}

/**
 * Number of escapes from `at` on that make up one character in UTF-8 (RFC 3629 4: shortest form, no surrogates, none above
 * U+10FFFF); 0 if they do not. `first` is the byte at `at`.
 */
function utf8Length(path: string, at: number, first: number): number {
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) {
    const byte = escapedByte(path, at + i * 3);
    let lowest = 0x80;
    let highest = 0xbf;
    if (i === 1) {
      if (first === 0xe0) lowest = 0xa0;
      else if (first === 0xed) highest = 0x9f;
      else if (first === 0xf0) lowest = 0x90;
      else if (first === 0xf4) highest = 0x8f;
    }
    if (byte < lowest || byte > highest) return 0;
  }
  return length;
}
