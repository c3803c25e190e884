/** A host condition taken apart. `text` is in lower case and, for the wildcard forms, without the star. */
export type HostPattern =
  | { readonly kind: "exact"; readonly text: string }
  /** `*.example.com` with the text `.example.com`. */
  | { readonly kind: "suffix"; readonly text: string }
  /** `example.*` with the text `example.`. */
  | { readonly kind: "prefix"; readonly text: string }
  | { readonly kind: "any" };

/**
 * Reads a host condition.
 *
 * @throws Error that names the pattern and the forms allowed
 */
export function parseHostPattern(pattern: string): HostPattern {
  const text = pattern.toLowerCase();
  if (text === "*") return { kind: "any" };
  const bare = text.startsWith("*.") ? text.slice(2) : text.endsWith(".*") ? text.slice(0, -2) : text;
  if (/:\d*$/.test(bare) && !/^\[[0-9a-f:.]+\]$/.test(bare)) throw new Error(`host "${pattern}": without port, please`);
  if (!/^(?:\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)$/.test(bare)) {
    throw new Error(`host "${pattern}": must be a name, *.name, name.* or * (non-ASCII names in their xn-- form)`);
  }
  if (bare === text) return { kind: "exact", text };
  return text.startsWith("*.") ? { kind: "suffix", text: `.${bare}` } : { kind: "prefix", text: `${bare}.` };
}

/** The host conditions of one route: one of them must hold. */
export class HostMatcher {
  /** Where `any` is true the other parts do not matter. */
  private readonly any: boolean;
  private readonly exact: ReadonlySet<string>;
  private readonly suffixes: readonly string[];
  private readonly prefixes: readonly string[];

  constructor(patterns: readonly HostPattern[]) {
    const texts = (kind: string) => patterns.flatMap((p) => (p.kind === kind && p.kind !== "any" ? [p.text] : []));
    this.any = patterns.some((pattern) => pattern.kind === "any");
    this.exact = new Set(texts("exact"));
    this.suffixes = texts("suffix");
    this.prefixes = texts("prefix");
  }

  /** @param host in lower case, without port */
  matches(host: string): boolean {
    if (this.any || (this.exact.size !== 0 && this.exact.has(host))) return true;
    for (const suffix of this.suffixes) if (host.length > suffix.length && host.endsWith(suffix)) return true;
    for (const prefix of this.prefixes) if (host.length > prefix.length && host.startsWith(prefix)) return true;
    return false;
  }
}
