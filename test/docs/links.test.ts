import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { anchors, linkTargets } from "./markdown.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const skipped = new Set(["node_modules", "dist", ".git"]);

/** Paths of all Markdown files below a folder, relative to the repository. */
function markdownFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const pages = markdownFiles("");

/** What is wrong with a relative link of a page, or undefined. */
function problem(page: string, target: string): string | undefined {
  const [path, anchor] = target.split("#", 2);
  const file = path === "" ? join(root, page) : join(root, dirname(page), decodeURIComponent(path));
  if (relative(root, file).startsWith("..")) return "leads out of the repository";
  if (!existsSync(file)) return "leads nowhere";
  if (anchor === undefined || !file.endsWith(".md")) return undefined;
  return anchors(readFileSync(file, "utf8")).has(anchor) ? undefined : `has no heading #${anchor}`;
}

describe("links", () => {
  it("are found at all", () => {
    expect(pages).toContain("README.md");
    expect(linkTargets("[a](b.md#c) ![d](e.svg 'f') `[g](h)` <img src=\"i.svg\">\n[j]: k.md")).toEqual([
      "b.md#c",
      "e.svg",
      "k.md",
      "i.svg",
    ]);
    expect([...anchors("# A `b` c, d\n## A b c d\n## A b c d")]).toEqual(["a-b-c-d", "a-b-c-d-1", "a-b-c-d-2"]);
    expect(problem("README.md", "docs/no-such-page.md")).toBe("leads nowhere");
    expect(problem("README.md", "docs/errors.md#no-such-heading")).toBe("has no heading #no-such-heading");
  });

  it.each(pages)("of %s lead somewhere", (page) => {
    const targets = linkTargets(readFileSync(join(root, page), "utf8"));
    const relativeOnes = targets.filter((target) => !/^(?:[a-z][a-z0-9+.-]*:|\/\/)/i.test(target));
    const broken = relativeOnes.flatMap((target) => {
      const reason = problem(page, target);
      return reason === undefined ? [] : [`${target}: ${reason}`];
    });
    expect(broken).toEqual([]);
  });
});
