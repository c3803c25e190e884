import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as rules from "./support/architecture-rules.ts";
import { findImports } from "./support/source-scanner.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

function read(folder: string, wanted: (path: string) => boolean): Map<string, string> {
  const files = readdirSync(root + folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => path.endsWith(".ts") && !path.includes("node_modules") && wanted(path),
  );
  return new Map(files.toSorted().map((path) => [path, readFileSync(`${root}${folder}/${path}`, "utf8")]));
}

const seeded = (files: Record<string, string>) => new Map(Object.entries(files));
const isTest = (path: string) => /\.(?:test|contract|fixture)\.ts$/.test(path);
const sources = read("src", (path) => !isTest(path));

describe("the source tree", () => {
  it("is found and its imports are seen", () => {
    expect(sources.size).toBeGreaterThan(5);
    expect([...sources.values()].flatMap(findImports).length).toBeGreaterThan(10);
  });

  it("has no import that leads nowhere", () => {
    expect(rules.danglingImports(sources)).toEqual([]);
  });

  it("has no cycle of imports, types included", () => {
    expect(rules.cycles(sources)).toEqual([]);
  });

  it("imports only in the direction of the architecture", () => {
    expect(rules.wrongDirections(sources)).toEqual([]);
  });

  it("has no ambient time, chance, timer or I/O in the rules and codecs", () => {
    expect(rules.impurities(sources)).toEqual([]);
  });

  it("has no barrels and no files with empty names", () => {
    expect(rules.barrels(sources)).toEqual([]);
    expect(rules.vagueNames(sources.keys())).toEqual([]);
  });

  it.each(["src", "test", "bench", "examples"])("has no file over 500 lines in %s", (folder) => {
    const files = read(folder, () => true);
    const long = rules.longFiles(files, 300);
    if (long.length > 0) console.info(`${folder}: over 300 lines: ${long.join(", ")}`);
    expect(rules.longFiles(files, 500)).toEqual([]);
  });
});

describe("the rules see seeded violations", () => {
  it("finds each form of import", () => {
    const text = `
      import a from "./a.ts"; import * as b from './b.ts';
      import type { C } from "./c.ts"; import { type D, type E } from "./d.ts"; import { type F, g } from "./f.ts";
      import "./side.ts"; export * from "./star.ts"; export type { H } from "./h.ts"; export { i } from "./i.ts";
      const later = await import("./later.ts"); type T = import("./type.ts").T;
      // import "./comment.ts"
      /* import "./block.ts" */
      const text = "import './string.ts'"; const t = \`import "./template.ts" \${await import("./inside.ts")}\`;
      const r = /import ".\\/regexp.ts"/; const list = Array.from("x");
      import {
        many,
        lines,
      } from "./lines.ts";`;
    const found = findImports(text);
    expect(found.map(({ specifier }) => specifier.slice(2, -3))).toEqual([
      "a",
      "b",
      "c",
      "d",
      "f",
      "side",
      "star",
      "h",
      "i",
      "later",
      "type",
      "inside",
      "lines",
    ]);
    expect(found.filter(({ typeOnly }) => typeOnly).map(({ specifier }) => specifier.slice(2, -3))).toEqual([
      "c",
      "d",
      "h",
    ]);
    expect(found.filter(({ star }) => star)).toHaveLength(1);
  });

  it("finds a cycle of types", () => {
    const found = rules.cycles(
      seeded({
        "core/a.ts": `import type { B } from "./b.ts";`,
        "core/b.ts": `import { c } from "./deep/c.ts";`,
        "core/deep/c.ts": `export type X = import("../a.ts").A;`,
        "core/d.ts": `import "./a.ts";`,
      }),
    );
    expect(found).toEqual(["core/a.ts → core/b.ts → core/deep/c.ts → core/a.ts"]);
  });

  it.each([
    ["core/a.ts", "../config/schema.ts"],
    ["http1/a.ts", "../config/schema.ts"],
    ["config/a.ts", "../shared-memory/layout.ts"],
    ["shared-memory/a.ts", "../dataplane/x.ts"],
    ["dataplane/http/a.ts", "../../controlplane/x.ts"],
    ["controlplane/a.ts", "../dataplane/x.ts"],
    ["dataplane/a.ts", "../adapters/x.ts"],
    ["controlplane/a.ts", "../main/supervisor.ts"],
    ["main/a.ts", "../cli/run.ts"],
    ["cli/a.ts", "../dataplane/x.ts"],
    ["adapters/a.ts", "../dataplane/x.ts"],
    ["stray/a.ts", "../core/x.ts"],
  ])("finds the wrong direction %s → %s", (path, specifier) => {
    expect(rules.wrongDirections(seeded({ [path]: `import type { X } from "${specifier}";` }))).toHaveLength(1);
  });

  it("lets adapters import types only", () => {
    expect(rules.wrongDirections(seeded({ "adapters/a.ts": `import type { P } from "../core/p.ts";` }))).toEqual([]);
    expect(rules.wrongDirections(seeded({ "adapters/a.ts": `import { p } from "../core/p.ts";` }))).toHaveLength(1);
  });

  it.each([
    "const t = Date.now();",
    "const t = new Date();",
    "const t = performance.now();",
    "const r = Math.random();",
    "setTimeout(f, 1);",
    "setInterval(f, 1);",
    `import { connect } from "node:net";`,
    `import type { Socket } from "node:net";`,
    `import { readFile } from "fs/promises";`,
    "const e = process.env;",
  ])("finds %s under core/ and http1/", (line) => {
    expect(rules.impurities(seeded({ "core/a.ts": line }))).toHaveLength(1);
    expect(rules.impurities(seeded({ "http1/a.ts": line }))).toHaveLength(1);
    expect(rules.impurities(seeded({ "dataplane/a.ts": line }))).toEqual([]);
  });

  it("does not take words in comments and strings for uses", () => {
    const text = `// Date.now() and setTimeout\nconst name = "Date: Math.random()"; interface Head { Date: string; date(): void }`;
    expect(rules.impurities(seeded({ "core/a.ts": text }))).toEqual([]);
  });

  it("finds dangling imports, barrels, vague names and long files", () => {
    expect(rules.danglingImports(seeded({ "core/a.ts": `import "./gone.ts";` }))).toHaveLength(1);
    expect(
      rules.barrels(seeded({ "core/a.ts": `export * from "./b.ts";`, "index.ts": `export * from "./b.ts";` })),
    ).toEqual(["core/a.ts"]);
    expect(rules.vagueNames(["core/utils.ts", "core/hash.ts", "core/types.ts"])).toEqual([
      "core/utils.ts",
      "core/types.ts",
    ]);
    expect(rules.longFiles(seeded({ "core/a.ts": "x\n".repeat(501), "core/b.ts": "x\n".repeat(500) }), 500)).toEqual([
      "core/a.ts: 501",
    ]);
  });
});
