import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { loadConfig } from "../../src/config/load.ts";
import { algorithms } from "../../src/core/balancing/registry.ts";
import { filters } from "../../src/dataplane/filters/registry.ts";
import { builtIn } from "../../src/main/built-in.ts";
import { codeBlocks } from "./markdown.ts";

const root = new URL("../../", import.meta.url);
const readme = readFileSync(new URL("README.md", root), "utf8");
const blocks = codeBlocks(readme);
const textsIn = (language: string) => blocks.filter((block) => block.language === language).map(({ text }) => text);
const shellLines = textsIn("sh").flatMap((text) => text.replaceAll(/\\\n\s*/g, "").split("\n"));

describe("the README", () => {
  it.each(textsIn("yaml"))("has configurations that load without a problem (%#)", async (text) => {
    const cwd = mkdtempSync(join(tmpdir(), "evenkeel-readme-"));
    try {
      writeFileSync(join(cwd, "evenkeel.yaml"), text);
      const loaded = await loadConfig({ cwd, env: {}, extensions: builtIn });
      expect(loaded.problems).toEqual([]);
      expect(Object.keys(loaded.config!.listeners)).not.toEqual([]);
      expect(Object.keys(loaded.config!.pools)).not.toEqual([]);
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });

  it("has a first configuration, a library example, an algorithm and a filter", () => {
    expect(textsIn("yaml").length).toBeGreaterThan(0);
    expect(textsIn("ts").join()).toMatch(/createLoadBalancer\([\s\S]*defineAlgorithm\([\s\S]*defineFilter\(/);
  });

  it("has an algorithm and a filter that a configuration can use", () => {
    // Below the checkout, so that "evenkeel" means its own sources.
    const folder = mkdtempSync(fileURLToPath(new URL("test/docs/.readme-", root)));
    try {
      const config = {
        modules: ["./own.ts"],
        listeners: { web: { listen: "127.0.0.1:0", routes: [{ filters: ["stamp"], pool: "web" }] } },
        pools: { web: { algorithm: "last_one", servers: ["127.0.0.1:9001"] } },
      };
      const module = textsIn("ts").find((text) => text.includes("defineFilter"));
      writeFileSync(join(folder, "own.ts"), module!);
      writeFileSync(join(folder, "evenkeel.json"), JSON.stringify(config));
      const check = execFileSync(fileURLToPath(new URL("bin/evenkeel", root)), ["check"], {
        cwd: folder,
        encoding: "utf8",
      });
      expect(check).toBe("ok: 1 listener, 1 pool, 1 server\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("uses only scripts that package.json has", () => {
    const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { scripts: object };
    const used = Array.from(readme.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g), ([, name = ""]) => name);
    expect(used).toContain("start");
    expect(used).toContain("test");
    for (const name of used) expect(scripts).toHaveProperty(name);
  });

  it("uses only commands and options that the program has", async () => {
    const program = new Command("evenkeel");
    for (const { register } of commands) await register(program);
    const calls = shellLines.flatMap((line) =>
      Array.from(
        line.replace(/\s#.*/, "").matchAll(/bin\/evenkeel ([a-z]+)([^|;&]*)/g),
        ([, name = "", rest = ""]) => ({
          name,
          options: rest.match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [],
        }),
      ),
    );
    expect(calls.length).toBeGreaterThan(4);
    for (const { name, options } of calls) {
      const command = program.commands.find((candidate) => candidate.name() === name);
      expect(command, `evenkeel ${name}`).toBeDefined();
      const known = command!.options.flatMap(({ short, long }) => [short, long]);
      for (const option of options) expect(known, `evenkeel ${name}`).toContain(option);
    }
  });

  it("names every algorithm and every filter that there is", () => {
    for (const { name } of [...algorithms, ...filters]) expect(readme).toContain(`\`${name}\``);
    expect(readme).toContain(`${algorithms.length} balancing algorithms`);
  });
});
