import { encodePathText, isBelow } from "./path-pattern.ts";

/** Takes a prefix off the front of paths and puts another there, both by whole segments. */
export class PrefixChange {
  /** Without slash at the end; "" changes nothing. */
  private readonly strip: string;
  private readonly add: string;

  /**
   * @param where for the error: "rewrite" or "redirect"
   * @throws Error when a prefix does not start with a slash or is more than a path
   */
  constructor(where: string, strip: string | undefined, add: string | undefined) {
    this.strip = strip === undefined ? "" : literalPath(`${where}.stripPrefix`, strip).replace(/\/$/, "");
    this.add = add === undefined ? "" : literalPath(`${where}.addPrefix`, add).replace(/\/$/, "");
  }

  /** A path that is not below the prefix is left as it is; nothing left is "/". */
  stripFrom(path: string): string {
    if (this.strip === "" || !isBelow(path, this.strip)) return path;
    return path.length === this.strip.length ? "/" : path.slice(this.strip.length);
  }

  addTo(path: string): string {
    return this.add === "" ? path : this.add + path;
  }
}

/**
 * A configured path in the spelling of normalised paths.
 *
 * @param where for the error
 * @throws Error when it does not start with a slash, has a query or fragment, or empty or dot segments
 */
export function literalPath(where: string, path: string): string {
  if (!path.startsWith("/")) throw new Error(`${where}: "${path}" must start with /`);
  if (/[?#]/.test(path)) throw new Error(`${where}: "${path}" must be a path, without query and fragment`);
  const text = encodePathText(path);
  if (/\/\/|\/\.{1,2}(?:\/|$)/.test(text)) throw new Error(`${where}: "${path}" has an empty or dot segment`);
  return text;
}
