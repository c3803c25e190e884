import { compileRegex } from "./path-pattern.ts";
import { literalPath, PrefixChange } from "./path-prefix.ts";

/** What a route changes about the request's target before the server gets it, as the configuration has it. */
export interface RewriteInput {
  readonly stripPrefix?: string;
  readonly addPrefix?: string;
  /** Replaces the whole path. */
  readonly path?: string;
  readonly regex?: string;
  readonly to?: string;
  readonly host?: string;
}

/** A compiled rewrite. */
export interface Rewrite {
  /** The Host that the server gets; undefined: the one that the route would send anyway. */
  readonly host: string | undefined;
  /**
   * The path that the server gets, without query. Null when the expression made something of it that is no valid
   * path: that request must not go on.
   *
   * @param path normalised; the "*" of `OPTIONS *`, which is no path, stays
   */
  path(path: string): string | null;
}

/**
 * Compiles a rewrite. Either `path` replaces everything, or these apply in this order: `stripPrefix`, `regex` with
 * `to` (the first match is replaced; `$1` … are groups, `$<name>` named ones), `addPrefix`.
 *
 * @param normalise brings a path into its normal form, or refuses it with null: the same function that requests go
 *   through, since an expression can put forbidden pieces together (`..` out of two dots)
 * @throws Error that says which part is wrong and why
 */
export function compileRewrite(input: RewriteInput, normalise: (path: string) => string | null): Rewrite {
  const { host } = input;
  if (input.path !== undefined) {
    const others = (["stripPrefix", "addPrefix", "regex", "to"] as const).filter((name) => input[name] !== undefined);
    if (others.length > 0) throw new Error(`rewrite: path replaces everything, so ${others.join(", ")} can do nothing`);
    const fixed = literalPath("rewrite.path", input.path);
    return { host, path: (path) => (path === "*" ? path : fixed) };
  }
  const prefix = new PrefixChange("rewrite", input.stripPrefix, input.addPrefix);
  const { regex, to } = input;
  if (regex === undefined && to === undefined)
    return { host, path: (path) => (path === "*" ? path : prefix.addTo(prefix.stripFrom(path))) };
  if (regex === undefined || to === undefined)
    throw new Error("rewrite: regex and to are given together or not at all");
  if (/[?#]/.test(to)) throw new Error(`rewrite.to: "${to}" must make a path, without query and fragment`);
  const expression = compileRegex(regex, "rewrite.regex");
  const replace = (path: string): string | null => {
    if (path === "*") return path;
    const stripped = prefix.stripFrom(path);
    if (!expression.test(stripped)) return prefix.addTo(stripped);
    const replaced = stripped.replace(expression, to);
    const normal = normalise(replaced.startsWith("/") ? replaced : `/${replaced}`);
    return normal === null ? null : prefix.addTo(normal);
  };
  return { host, path: replace };
}
