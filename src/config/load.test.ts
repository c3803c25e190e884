import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { algorithms } from "../core/balancing/registry.ts";
import { loadConfig, loadConfigObject } from "./load.ts";
import { formatProblem } from "./problem.ts";

const extensions = { algorithms, filters: [] };
let cwd: string;

beforeEach(() => void (cwd = mkdtempSync(join(tmpdir(), "evenkeel-load-"))));
afterEach(() => rmSync(cwd, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(cwd, name), text);
const load = (file?: string) => loadConfig({ file, cwd, env: {}, extensions });
const yaml = (algorithm: string) =>
  `listeners: { web: { listen: a:1, pool: p } }\npools: { p: { algorithm: ${algorithm}, servers: [a:1] } }\n`;

/** Written by hand instead of with defineAlgorithm: a module in a temporary directory cannot import the package. */
const algorithmModule = (name: string) =>
  `export default { kind: "algorithm", name: "${name}", summary: "s", usesHashKey: false, schema: { type: "object", properties: { n: { type: "integer", default: 3 } } }, create: () => ({}) };`;

describe("loading", () => {
  it("finds the file, YAML before TypeScript", async () => {
    write("evenkeel.config.ts", "export default { workers: 3 };");
    expect((await load()).config?.workers).toBe(3);
    write("evenkeel.json", '{ "workers": 4 }');
    expect((await load()).config?.workers).toBe(4);
    write("evenkeel.yaml", "workers: 5");
    const loaded = await load();
    expect(loaded).toMatchObject({ config: { workers: 5 }, file: join(cwd, "evenkeel.yaml"), modules: [] });
  });

  it("says where it looked when there is none", async () => {
    const { config, problems } = await load();
    expect(config).toBeUndefined();
    expect(problems.map(formatProblem)).toEqual([expect.stringContaining(`there is no configuration in ${cwd}`)]);
    expect((await load("x.yaml")).problems.map(formatProblem)).toEqual([
      "x.yaml: cannot be read: there is no such file or directory",
    ]);
  });

  it("refuses a file with nothing in it, which a save that goes wrong leaves behind", async () => {
    for (const text of ["", "\n", "# nothing\n", "---\n"]) {
      write("evenkeel.yaml", text);
      const { config, problems } = await load();
      expect(config).toBeUndefined();
      expect(problems.map(formatProblem)).toEqual([
        expect.stringContaining("evenkeel.yaml:1:1: there is nothing in the file"),
      ]);
    }
  });

  it("gives no warnings that an error may have caused", async () => {
    write("evenkeel.yaml", yaml("random").replace("listeners", "listners"));
    expect((await load()).problems.map(formatProblem)).toEqual([
      'evenkeel.yaml:1:1: listners: unknown key; did you mean "listeners"?',
    ]);
  });

  it("says in words why a file cannot be read, and what to do without the package", async () => {
    expect((await load(".")).problems.map(formatProblem)).toEqual([".: cannot be read: it is a directory"]);
    write("evenkeel.config.ts", 'import { defineConfig } from "evenkeel"; export default defineConfig({});');
    expect((await load()).problems[0].message).toContain("npm install evenkeel");
  });

  it("gives the path in place of the line in TypeScript, and takes functions", async () => {
    write("evenkeel.config.ts", "const n: number = 0; export default async () => ({ maxServers: n });");
    expect((await load()).problems.map(formatProblem)).toContain(
      "evenkeel.config.ts: maxServers: must be an integer from 1 to 1000000, not 0",
    );
    write("broken.config.ts", "export default {");
    expect((await load("broken.config.ts")).problems[0].message).toContain("cannot be imported");
    write("empty.config.ts", "export const x = 1;");
    expect((await load("empty.config.ts")).problems[0].message).toContain("no default export");
  });

  it("takes a changed TypeScript file the next time", async () => {
    write("evenkeel.config.ts", "export default { workers: 1 };");
    expect((await load()).config?.workers).toBe(1);
    write("evenkeel.config.ts", "export default { workers: 2 };");
    utimesSync(join(cwd, "evenkeel.config.ts"), 1, 1);
    expect((await load()).config?.workers).toBe(2);
  });

  it("reads files of substitutions beside the configuration", async () => {
    mkdirSync(join(cwd, "etc"));
    write("etc/count", "7\n");
    write("etc/evenkeel.yaml", "workers: ${file:count}");
    expect((await load("etc/evenkeel.yaml")).config?.workers).toBe(7);
  });
});

describe("modules", () => {
  it("bring algorithms that the configuration uses", async () => {
    write("own.ts", algorithmModule("from_module"));
    write("evenkeel.yaml", `modules: ./own.ts\n${yaml("{ name: from_module, n: 4 }")}`);
    const loaded = await load();
    expect(loaded.problems).toEqual([]);
    expect(loaded.config?.pools.p.algorithm).toEqual({ name: "from_module", key: "client", settings: { n: 4 } });
    expect(loaded.modules).toEqual([join(cwd, "own.ts")]);
    expect(loaded.extensions.algorithms.at(-1)?.name).toBe("from_module");
  });

  it("work for objects too", async () => {
    write("own2.ts", algorithmModule("for_object"));
    const { problems, config } = await loadConfigObject(
      { modules: "own2.ts", pools: { p: { algorithm: "for_object" } } },
      cwd,
      extensions,
    );
    expect(problems.filter(({ severity }) => severity === "error")).toEqual([]);
    expect(config?.pools.p.algorithm.settings).toEqual({ n: 3 });
  });

  it.each([
    ["missing.ts", undefined, /missing\.ts: cannot be imported/],
    ["none.ts", "export const x = 1;", /none\.ts: has no default export/],
    [
      "wrong.ts",
      "export default [{ kind: 'algorithm', name: 'Bad' }];",
      /wrong\.ts: entry 0 of the default export needs a `name` in snake_case/,
    ],
    [
      "secret.ts",
      `export default { kind: 'probe', name: 'knock', run() {}, schema: { type: 'object', properties: {
        knocks: { type: 'string', 'x-secret': true } } } };`,
      /secret\.ts: the default export has a secret setting `knocks`; only a name such as password/,
    ],
    [
      "off.ts",
      "export default { kind: 'probe', name: 'off', run() {}, schema: { type: 'object' } };",
      /the default export cannot be called "off"/,
    ],
    [
      "other.ts",
      "export default 1;",
      /the default export is not made with defineAlgorithm, defineFilter, defineProbe or/,
    ],
    ["clash.ts", algorithmModule("round_robin"), /"round_robin" is registered twice/],
  ])("that do not work are named: %s", async (name, text, message) => {
    if (text !== undefined) write(name, text);
    write("evenkeel.yaml", `workers: 1\nmodules: [${name}]\n`);
    const { config, problems } = await load();
    expect(config).toBeUndefined();
    const errors = problems.filter(({ severity }) => severity === "error");
    expect(errors).toHaveLength(1);
    expect(errors[0].message).toMatch(message);
    expect(errors[0].line).toBe(2);
  });
});
