import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileGlob, matchesGlob } from "./glob.ts";

/** The same language as a regular expression, as an independent statement of what the stars mean. */
function asRegex(pattern: string, open: boolean): RegExp {
  const source = pattern
    .split(/(\*+)/)
    .map((part, index, parts) => {
      if (index % 2 === 0) {
        const swallowed =
          index > 0 && parts[index - 1].length > 1 && parts[index - 2].endsWith("/") && part.startsWith("/");
        return swallowed ? part.slice(1) : part;
      }
      const first = parts[index - 1].endsWith("/");
      const last = parts[index + 1] === "" || parts[index + 1].startsWith("/");
      if (part.length > 1) return first && parts[index + 1].startsWith("/") ? "(?:[^/]*/)*" : ".*";
      return first && last ? "[^/]+" : "[^/]*";
    })
    .join("");
  return new RegExp(`^${source}${open ? "(?:/.*)?" : ""}$`);
}

const text = (parts: string[], maxLength: number) =>
  fc.array(fc.constantFrom(...parts), { maxLength }).map((list) => `/${list.join("")}`);

describe("globs", () => {
  it("match what the regular expression of the same meaning matches", () => {
    fc.assert(
      fc.property(
        text(["a", "b", "/", "*", "*", "**", "/**/"], 10).filter((pattern) => pattern.includes("*")),
        fc.boolean(),
        fc.array(text(["a", "b", "/", "/"], 12), { minLength: 1, maxLength: 20 }),
        (pattern, open, paths) => {
          const glob = compileGlob(pattern, open);
          const regex = asRegex(pattern, open);
          for (const path of paths)
            expect([pattern, path, matchesGlob(glob, path)]).toEqual([pattern, path, regex.test(path)]);
        },
      ),
      { numRuns: 5000 },
    );
  });

  it("take linear steps on a path made to mislead them", () => {
    // A backtracking matcher would need about 20,000 ** 6 steps: the test would not end.
    const glob = compileGlob("/**a**a**a**a**a**b", false);
    expect(matchesGlob(glob, `/${"a".repeat(20_000)}`)).toBe(false);
  });
});
