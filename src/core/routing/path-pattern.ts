import { compileGlob, matchesGlob, type Glob } from "./glob.ts";

/** A path condition taken apart. */
export interface PathPattern {
  readonly kind: "exact" | "prefix" | "glob" | "regex";
  /** exact: the path. prefix: what stands before the trailing `/*`. glob and regex: as configured. */
  readonly text: string;
  /** The leading segments that every matching path has, for the index: `["v1"]` for `/v1/*`. */
  readonly segments: readonly string[];
  readonly glob: Glob | undefined;
  readonly regex: RegExp | undefined;
}

/**
 * Reads a path condition. A trailing `/*` (or `/**`) means the path before it and everything below: `/v1/*` matches
 * `/v1`, `/v1/` and `/v1/users/7`, but not `/v10`. Regular expressions are not anchored.
 *
 * @throws Error that names the pattern and what is wrong with it
 */
export function parsePathPattern(pattern: string): PathPattern {
  if (pattern.startsWith("~")) {
    return {
      kind: "regex",
      text: pattern,
      segments: [],
      glob: undefined,
      regex: compileRegex(pattern.slice(1), `path "${pattern}"`),
    };
  }
  if (!pattern.startsWith("/")) throw new Error(`path "${pattern}": must start with / or ~ (all paths: /*)`);
  if (/[?#]/.test(pattern)) throw new Error(`path "${pattern}": a path has no query; use match.query`);
  const text = encodePathText(pattern);
  const open = /\/\*\*?$/.test(text);
  const body = open ? text.slice(0, text.lastIndexOf("/")) : text;
  const star = body.indexOf("*");
  if (star < 0) {
    return {
      kind: open ? "prefix" : "exact",
      text: body,
      segments: body.split("/").slice(1),
      glob: undefined,
      regex: undefined,
    };
  }
  // Only segments that end before the first star are sure to be there as they stand.
  const segments = body.slice(0, body.lastIndexOf("/", star)).split("/").slice(1);
  return { kind: "glob", text, segments, glob: compileGlob(body, open), regex: undefined };
}

/** @throws Error that says where the expression stands and what is wrong with it */
export function compileRegex(source: string, where: string): RegExp {
  if (source === "") throw new Error(`${where}: the regular expression is empty`);
  try {
    return new RegExp(source, "u");
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Writes the literal text of a pattern the way that normalised paths are written (RFC 3986 section 6.2.2): what may
 * not stand in a path percent-encoded, escapes in upper case, unreserved characters not escaped.
 */
export function encodePathText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\x21-\x7e]+|["<>\\^`{|}]+/g, (run) => encodeURIComponent(run))
    .replaceAll(/%[0-9a-f]{2}/gi, (escape) => {
      const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
      return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
    });
}

/** The path conditions of one route: one of them must hold. */
export class PathMatcher {
  private readonly exact: ReadonlySet<string>;
  private readonly prefixes: readonly string[];
  private readonly globs: readonly Glob[];
  private readonly regexes: readonly RegExp[];

  constructor(patterns: readonly PathPattern[]) {
    this.exact = new Set(patterns.flatMap((pattern) => (pattern.kind === "exact" ? [pattern.text] : [])));
    this.prefixes = patterns.flatMap((pattern) => (pattern.kind === "prefix" ? [pattern.text] : []));
    this.globs = patterns.flatMap((pattern) => pattern.glob ?? []);
    this.regexes = patterns.flatMap((pattern) => pattern.regex ?? []);
  }

  matches(path: string): boolean {
    for (const prefix of this.prefixes) if (isBelow(path, prefix)) return true;
    // A look into an empty set costs as much as into a full one.
    if (this.exact.size !== 0 && this.exact.has(path)) return true;
    for (const glob of this.globs) if (matchesGlob(glob, path)) return true;
    for (const regex of this.regexes) if (regex.test(path)) return true;
    return false;
  }
}

/** Whether the path is the prefix itself or continues it after a slash; the prefix has no slash at its end. */
export function isBelow(path: string, prefix: string): boolean {
  if (!path.startsWith(prefix)) return false;
  return path.length === prefix.length ? prefix !== "" : path.charCodeAt(prefix.length) === 47;
}
