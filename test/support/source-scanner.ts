/** One import of a module, found in its text. */
export interface ImportFound {
  readonly specifier: string;
  /** True for `import type` and `export type`: nothing is left of it at run time. */
  readonly typeOnly: boolean;
  /** True for `export * from`. */
  readonly star: boolean;
}

/**
 * The source with comments, regular expressions and the contents of strings replaced by blanks of the same length
 * (code inside of template literals stays), so that what is found in it is code at the same position.
 */
export function bareCode(source: string): string {
  const out = [...source];
  const blank = (from: number, to: number) => {
    for (let i = from; i < to; i++) if (out[i] !== "\n") out[i] = " ";
  };
  // Depth of braces at which each open template literal's `${` goes on as text.
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const template = (from: number): number => {
    let i = from;
    while (i < source.length && source[i] !== "`") {
      if (source[i] === "\\") i += 2;
      else if (source[i] === "$" && source[i + 1] === "{") {
        blank(from, i);
        templates.push(depth++);
        return i + 2;
      } else i++;
    }
    blank(from, i);
    return i + 1;
  };
  while (at < source.length) {
    const char = source[at];
    const next = source[at + 1];
    if (char === "/" && (next === "/" || next === "*")) {
      const close = source.indexOf(next === "/" ? "\n" : "*/", at + 2);
      const end = close < 0 ? source.length : close + (next === "/" ? 0 : 2);
      blank(at, end);
      at = end;
    } else if (char === '"' || char === "'") {
      let i = at + 1;
      while (i < source.length && source[i] !== char && source[i] !== "\n") i += source[i] === "\\" ? 2 : 1;
      blank(at + 1, i);
      at = i + 1;
    } else if (char === "`") {
      at = template(at + 1);
    } else if (char === "/" && startsRegularExpression(out, at)) {
      let i = at + 1;
      let inClass = false;
      while (i < source.length && source[i] !== "\n" && (inClass || source[i] !== "/")) {
        if (source[i] === "[") inClass = true;
        else if (source[i] === "]") inClass = false;
        i += source[i] === "\\" ? 2 : 1;
      }
      blank(at + 1, i);
      at = i + 1;
    } else if (char === "}" && templates.at(-1) === depth - 1) {
      depth = templates.pop()!;
      at = template(at + 1);
    } else {
      if (char === "{") depth++;
      else if (char === "}") depth--;
      at++;
    }
  }
  return out.join("");
}

/** A slash begins a regular expression where no value can end: after an operator, a bracket or certain words. */
function startsRegularExpression(code: readonly string[], at: number): boolean {
  let i = at - 1;
  while (i >= 0 && /\s/.test(code[i])) i--;
  if (i < 0) return true;
  if (!/[\w$)\]"'`}]/.test(code[i])) return true;
  return /(?:^|[^\w$.])(?:return|typeof|case|in|of|void)$/.test(code.slice(Math.max(0, i - 8), i + 1).join(""));
}

/** Every static and dynamic import with a literal specifier, re-exports and `import("…")` types included. */
export function findImports(source: string): ImportFound[] {
  const code = bareCode(source);
  const found: ImportFound[] = [];
  const pattern =
    /(?<![\w$.])(?:(import|export)(\s+type(?![\w$]))?([^"';()=]*?)(?<![\w$])from\s*|import\s*\(\s*|import\s*)(["'])( *)\4/g;
  for (const match of code.matchAll(pattern)) {
    const end = match.index + match[0].length - 1;
    const clause = match[3] ?? "";
    found.push({
      specifier: source.slice(end - match[5].length, end),
      typeOnly: match[2] !== undefined || onlyInlineTypes(clause),
      star: match[1] === "export" && clause.trim() === "*",
    });
  }
  return found;
}

/** `import { type A, type B } from` with no value among them. */
function onlyInlineTypes(clause: string): boolean {
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const list = names
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);
  return list.length > 0 && list.every((name) => name.startsWith("type "));
}
