/*
 * Globs over paths. `*` stands for any characters within a segment (at least one where it is the whole segment),
 * `**` for any characters at all, and a whole segment `**` for any number of segments, none included.
 *
 * Matching takes time proportional to pattern × path, never more: a regular expression with several `.*` could be
 * made to backtrack for a polynomial time by whoever sends the path.
 */

/** Tokens below zero; others are character codes. */
const STAR = -1; // any run within a segment
const ONE = -2; // one character within a segment
const RUN = -3; // any run, slashes included
const SEGMENTS = -4; // any number of whole segments, each with its slash

/** A compiled glob. */
export interface Glob {
  readonly tokens: Int32Array;
  /** True when what matches may be followed by a slash and anything. */
  readonly open: boolean;
}

/**
 * @param pattern starts with a slash; literal parts already percent-encoded as paths are
 * @param open whether everything below what matches does so too
 */
export function compileGlob(pattern: string, open: boolean): Glob {
  const tokens: number[] = [];
  for (let at = 0; at < pattern.length;) {
    if (pattern[at] !== "*") {
      tokens.push(pattern.charCodeAt(at++));
      continue;
    }
    const start = at;
    while (pattern[at] === "*") at++;
    const first = pattern[start - 1] === "/";
    const last = at === pattern.length || pattern[at] === "/";
    if (at - start === 1) {
      if (first && last) tokens.push(ONE);
      tokens.push(STAR);
    } else if (first && pattern[at] === "/") {
      tokens.push(SEGMENTS);
      at++;
    } else {
      tokens.push(RUN);
    }
  }
  return { tokens: Int32Array.from(tokens), open };
}

/**
 * Whether the whole path matches. On a mismatch the latest star takes one more character; when it cannot, because a
 * slash comes, the latest `**` does. Earlier ones never need another try: a shorter match for them leaves the later
 * ones everything that a longer one would.
 */
export function matchesGlob(glob: Glob, path: string): boolean {
  const { tokens, open } = glob;
  const length = path.length;
  let at = 0;
  let token = 0;
  // Where to go on after the latest star and the latest wide one: token index (-1: none) and path index.
  let starToken = -1;
  let starAt = 0;
  let wideToken = -1;
  let wideAt = 0;
  for (;;) {
    if (token === tokens.length) {
      if (at === length || (open && path.charCodeAt(at) === 47)) return true;
    } else {
      const wanted = tokens[token];
      if (wanted === STAR) {
        starToken = ++token;
        starAt = at;
        continue;
      }
      if (wanted <= RUN) {
        wideToken = ++token;
        wideAt = at;
        starToken = -1;
        continue;
      }
      if (at < length) {
        const code = path.charCodeAt(at);
        if (wanted === ONE ? code !== 47 : wanted === code) {
          at++;
          token++;
          continue;
        }
      }
    }
    if (starToken >= 0 && starAt < length && path.charCodeAt(starAt) !== 47) {
      at = ++starAt;
      token = starToken;
      continue;
    }
    if (wideToken < 0 || wideAt >= length) return false;
    if (tokens[wideToken - 1] === SEGMENTS) {
      const slash = path.indexOf("/", wideAt);
      if (slash < 0) return false;
      wideAt = slash;
    }
    at = ++wideAt;
    token = wideToken;
    starToken = -1;
  }
}
